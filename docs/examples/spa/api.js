// Calls the API with cookies or bearer tokens, and refreshes in one tab at a time.

import { API } from "./config.js";

// Shared by all tabs of this origin. With cookies it contains only times; with bearer tokens the tokens too.
const STORAGE_KEY = "vestibule.session";
const LOCK = "vestibule.refresh";
const RETRY_DELAY = 500;

// After a request: the access token is not valid, but the session may be. After a refresh: the session has signedOut.
const REFRESHABLE = new Set(["authentication_required", "token_expired", "token_invalid"]);
const SIGNED_OUT = new Set([...REFRESHABLE, "session_revoked", "refresh_token_reused"]);

export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body.message);
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? {};
    this.retryAfter = retryAfter;
  }
}

// No response of the API: no network, or a proxy that does not return JSON.
export class Unreachable extends Error {}

export const isSignedIn = () => loadSession() !== null;

// Calls `listener` with true if another tab signed in, with false if it signed out.
export function onSessionChange(listener) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === STORAGE_KEY && !oldValue !== !newValue) listener(Boolean(newValue));
  });
}

export async function call(method, path, body) {
  const before = loadSession();
  try {
    return await send(method, path, body, before);
  } catch (error) {
    if (before === null || !SIGNED_OUT.has(error.code)) throw error;
    if (!REFRESHABLE.has(error.code)) throw signedOut(error);
  }
  await refreshUnlessDone(before);
  return send(method, path, body, loadSession());
}

// Returns {user, …}, or {mfaRequired, mfaToken, …}: then verifySecondFactor completes the sign-in.
export const logIn = (transport, credentials) => startSession(transport, "/login", credentials);

export const verifySecondFactor = (transport, proof) => startSession(transport, "/mfa/verify", proof);

export async function logOut(everywhere = false) {
  const { refresh } = loadSession() ?? {};
  try {
    // With the refresh token beside it, this works with an expired access token too.
    await (everywhere ? call("POST", "/logout-all", {}) : send("POST", "/logout", { refreshToken: refresh }, loadSession()));
  } finally {
    clearSession();
  }
}

async function startSession(transport, path, body) {
  const data = await send("POST", path, body, { transport });
  if (!data.mfaRequired) saveSession(transport, data);
  return data;
}

// The browser's lock covers all tabs of this origin. A tab that waited finds the new time and does nothing. If it does not see
// it yet, it refreshes with the same token and gets the same successor within the server's grace period.
function refreshUnlessDone(before) {
  return navigator.locks.request(LOCK, async () => {
    const now = loadSession();
    if (now === null) throw new ApiError(401, { code: "session_revoked", message: "You were signed out in another tab." });
    if (now.refreshedAt !== before.refreshedAt) return;
    const body = now.transport === "body" ? { refreshToken: now.refresh } : undefined;
    try {
      saveSession(now.transport, await withRetry(() => send("POST", "/refresh", body, { transport: now.transport })));
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

async function send(method, path, body, session) {
  const transport = session?.transport ?? "cookie";
  const headers = { "X-Token-Transport": transport };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (session?.access) headers.Authorization = `Bearer ${session.access}`;
  const credentials = transport === "cookie" ? "include" : "omit";
  let response, data;
  try {
    response = await fetch(API + path, { method, headers, credentials, body: body && JSON.stringify(body) });
    data = await response.json();
  } catch {
    throw new Unreachable("The server cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) throw new ApiError(response.status, data, Number(response.headers.get("Retry-After")) || null);
  return data.data ?? {};
}

function signedOut(error) {
  clearSession();
  return error;
}

function loadSession() {
  return JSON.parse(localStorage.getItem(STORAGE_KEY));
}

function saveSession(transport, { tokens }) {
  const session = { transport, refreshedAt: Date.now() + Math.random() };
  if (transport === "body") Object.assign(session, { access: tokens.accessToken, refresh: tokens.refreshToken });
  localStorage.setItem(STORAGE_KEY, JSON.stringify(session));
}

function clearSession() {
  localStorage.removeItem(STORAGE_KEY);
}
