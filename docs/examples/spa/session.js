// Keeps the session of this origin's tabs, and refreshes its tokens in one tab at a time.

import { ApiError, Unreachable, send } from "./api.js";
import { t } from "./language.js";

// Shared by all tabs of this origin. With cookies it contains only times; with bearer tokens the tokens too.
const STORAGE_KEY = "vestibule.session";
const LOCK = "vestibule.refresh";
const RETRY_DELAY = 500;

// After a request: the access token is not valid, but the session may be. After a refresh: the session has ended.
const REFRESHABLE = new Set(["authentication_required", "token_expired", "token_invalid"]);
const SIGNED_OUT = new Set([...REFRESHABLE, "session_revoked", "refresh_token_reused"]);

export const isSignedIn = () => load() !== null;

// Calls `listener` with true if another tab signed in, with false if it signed out.
export function onSessionChange(listener) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === STORAGE_KEY && !oldValue !== !newValue) listener(Boolean(newValue));
  });
}

// Sends a request of the signed-in user; if the access token has expired, refreshes it and repeats the request once.
export async function call(method, path, body) {
  const before = load();
  try {
    return await send(method, path, body, before ?? {});
  } catch (error) {
    if (before === null || !SIGNED_OUT.has(error.code)) throw error;
    if (!REFRESHABLE.has(error.code)) throw signedOut(error);
  }
  await refreshUnlessDone(before);
  return send(method, path, body, load() ?? {});
}

// Sends a request that signs in. If the response has `mfaRequired`, the session starts with the second factor.
export async function startSession(transport, path, body) {
  const data = await send("POST", path, body, { transport });
  if (!data.mfaRequired) save(transport, data.tokens);
  return data;
}

// Takes over the cookies that a page of the API has set, such as the page of an emailed link. Returns whether there are any.
export async function adoptCookies() {
  try {
    await send("GET", "/me");
  } catch (error) {
    if (error.status === 401) return false;
    throw error;
  }
  save("cookie");
  return true;
}

// A step-up returns an access token with the new claims; the refresh token stays as it is.
export async function reauthenticate(proof) {
  const { token } = await call("POST", "/reauthenticate", proof);
  const session = load();
  if (session?.transport === "body") save("body", { accessToken: token, refreshToken: session.refresh });
}

export async function logOut(everywhere = false) {
  const { refresh } = load() ?? {};
  try {
    // With the refresh token beside it, this works with an expired access token too.
    await (everywhere ? call("POST", "/logout-all", {}) : send("POST", "/logout", { refreshToken: refresh }, load() ?? {}));
  } finally {
    clear();
  }
}

// The browser's lock covers all tabs of this origin. A tab that waited finds the new time and does nothing. If it does not see
// it yet, it refreshes with the same token and gets the same successor within the server's grace period.
function refreshUnlessDone(before) {
  return navigator.locks.request(LOCK, async () => {
    const now = load();
    if (now === null) throw new ApiError(401, { code: "session_revoked", message: t("You were signed out in another tab.") });
    if (now.refreshedAt !== before.refreshedAt) return;
    const body = now.transport === "body" ? { refreshToken: now.refresh } : undefined;
    try {
      const data = await withRetry(() => send("POST", "/refresh", body, { transport: now.transport }));
      save(now.transport, data.tokens);
    } catch (error) {
      throw SIGNED_OUT.has(error.code) ? signedOut(error) : error;
    }
  });
}

// Repeats a request whose response was lost, within the grace period of 10 seconds.
async function withRetry(request) {
  try {
    return await request();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY));
    return request();
  }
}

function signedOut(error) {
  clear();
  return error;
}

function load() {
  return JSON.parse(localStorage.getItem(STORAGE_KEY));
}

function save(transport, tokens) {
  const session = { transport, refreshedAt: Date.now() + Math.random() };
  if (transport === "body") Object.assign(session, { access: tokens.accessToken, refresh: tokens.refreshToken });
  localStorage.setItem(STORAGE_KEY, JSON.stringify(session));
}

function clear() {
  localStorage.removeItem(STORAGE_KEY);
}
