// Talks to the API: with cookies or with bearer tokens, and with one refresh at a time over all tabs.

import { API } from "./config.js";

// What the tabs of this origin share. With cookies it holds times alone; with bearer tokens it has to hold the tokens.
const KEPT = "vestibule.session";
const LOCK = "vestibule.refresh";
const LOST_ANSWER_PAUSE = 500;

// Of a request: the access token is of no use any more, the session may be. Of a refresh: so is the session.
const REFRESHABLE = new Set(["authentication_required", "token_expired", "token_invalid"]);
const OVER = new Set([...REFRESHABLE, "session_revoked", "refresh_token_reused"]);

export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    super(body.message);
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? {};
    this.retryAfter = retryAfter;
  }
}

// For the faults that are nobody's answer: no network, or a proxy that speaks something else than JSON.
export class Unreachable extends Error {}

export const isSignedIn = () => kept() !== null;

// `told` hears whether another tab signed in (true) or out (false), once this tab can read what that one wrote.
export function onNews(told) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === KEPT && !oldValue !== !newValue) told(Boolean(newValue));
  });
}

export async function call(method, path, body) {
  const before = kept();
  try {
    return await send(method, path, body, before);
  } catch (error) {
    if (before === null || !OVER.has(error.code)) throw error;
    if (!REFRESHABLE.has(error.code)) throw ended(error);
  }
  await refreshUnlessDone(before);
  return send(method, path, body, kept());
}

// Either {user, …}, or {mfaRequired, mfaToken, …}: then verifySecondFactor ends the sign-in.
export const logIn = (transport, credentials) => begin(transport, "/login", credentials);

export const verifySecondFactor = (transport, proof) => begin(transport, "/mfa/verify", proof);

export async function logOut(everywhere = false) {
  const { refresh } = kept() ?? {};
  try {
    // With the refresh token beside it, this works with an expired access token too.
    await (everywhere ? call("POST", "/logout-all", {}) : send("POST", "/logout", { refreshToken: refresh }, kept()));
  } finally {
    forget();
  }
}

async function begin(transport, path, body) {
  const data = await send("POST", path, body, { transport });
  if (!data.mfaRequired) keep(transport, data);
  return data;
}

// The lock is the browser's, for all tabs of this origin. Whoever waited for it finds that the work is done; or, where the
// other tab's writing has not arrived yet, asks with the same token, and gets the same successor within the server's grace.
function refreshUnlessDone(before) {
  return navigator.locks.request(LOCK, async () => {
    const now = kept();
    if (now === null) throw new ApiError(401, { code: "session_revoked", message: "You were signed out in another tab." });
    if (now.refreshedAt !== before.refreshedAt) return;
    const body = now.transport === "body" ? { refreshToken: now.refresh } : undefined;
    try {
      keep(now.transport, await twice(() => send("POST", "/refresh", body, { transport: now.transport })));
    } catch (error) {
      throw OVER.has(error.code) ? ended(error) : error;
    }
  });
}

// An answer that was lost on the way is asked for again, within that grace of 10 seconds.
async function twice(ask) {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    await new Promise((resolve) => setTimeout(resolve, LOST_ANSWER_PAUSE));
    return ask();
  }
}

async function send(method, path, body, session) {
  const transport = session?.transport ?? "cookie";
  const headers = { "X-Token-Transport": transport };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (session?.access) headers.Authorization = `Bearer ${session.access}`;
  const credentials = transport === "cookie" ? "include" : "omit";
  let response, answer;
  try {
    response = await fetch(API + path, { method, headers, credentials, body: body && JSON.stringify(body) });
    answer = await response.json();
  } catch {
    throw new Unreachable("The server cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) throw new ApiError(response.status, answer, Number(response.headers.get("Retry-After")) || null);
  return answer.data ?? {};
}

function ended(error) {
  forget();
  return error;
}

function kept() {
  return JSON.parse(localStorage.getItem(KEPT));
}

function keep(transport, { tokens }) {
  const session = { transport, refreshedAt: Date.now() + Math.random() };
  if (transport === "body") Object.assign(session, { access: tokens.accessToken, refresh: tokens.refreshToken });
  localStorage.setItem(KEPT, JSON.stringify(session));
}

function forget() {
  localStorage.removeItem(KEPT);
}
