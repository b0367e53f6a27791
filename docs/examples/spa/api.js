// Sends one request to the API, with cookies or with a bearer token. session.js decides with which.

import { API } from "./config.js";
import { language, t } from "./language.js";

// `code` is for programs; `message` is in the user's language; `errors` has the messages of each field.
export class ApiError extends Error {
  constructor(status, { code, message, errors = {} }, headers = new Headers()) {
    super(message);
    this.status = status;
    this.code = code;
    this.errors = errors;
    this.retryAfter = Number(headers.get("Retry-After")) || null;
    // RFC 9470: a request that needs a recent proof names the level of authentication here.
    this.challenge = headers.get("WWW-Authenticate") ?? "";
  }
}

// No response of the API: no network, or a proxy that does not return JSON.
export class Unreachable extends Error {}

export async function send(method, path, body, { transport = "cookie", access } = {}) {
  const headers = { "Accept-Language": language, "X-Token-Transport": transport };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (access) headers.Authorization = `Bearer ${access}`;
  const credentials = transport === "cookie" ? "include" : "omit";
  let response, data;
  try {
    response = await fetch(API + path, { method, headers, credentials, body: body && JSON.stringify(body) });
    data = await response.json();
  } catch {
    throw new Unreachable(t("The server cannot be reached. Check your connection and try again."));
  }
  if (!response.ok) throw new ApiError(response.status, data, response.headers);
  return data.data ?? {};
}
