// Shared by the pages: the parameters of the link, API requests, and status messages.

const TIMEOUT_MS = 20_000;

export const byId = (id) => document.getElementById(id);
export const text = (name) => document.querySelector(`template[data-text="${name}"]`).content.textContent;

/** Returns the URL parameters and removes them from the address bar and the history: they are credentials. */
export function takeParameters(...names) {
  const parameters = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  return names.map((name) => parameters.get(name) ?? "");
}

/** Sends a request to the API. A network error or a response without JSON becomes a result with an error message. */
export async function request(url, body, extraHeaders = {}) {
  const headers = { Accept: "application/json", ...extraHeaders };
  const options = { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (body) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  try {
    const response = await fetch(url, options);
    const retryAfter = Number(response.headers.get("Retry-After")); // in seconds; 0 without the header
    return { ...(await response.json()), ok: response.ok, status: response.status, retryAfter };
  } catch {
    return { ok: false, status: 0, message: text("unreachable") };
  }
}

/** Shows a message in the live region. */
export function show(message, isSuccess) {
  const status = byId("status");
  status.className = `status ${isSuccess ? "good" : "bad"}`;
  status.textContent = message;
}

/** Shows a message and moves the focus to it: the control that had the focus may be hidden now. */
export function announce(message, isSuccess) {
  show(message, isSuccess);
  byId("status").focus();
}

/** Runs `action` with the button disabled, so that a double click does not send the request twice. */
export async function runOnce(button, action) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await action();
  } finally {
    button.disabled = false;
  }
}

/** Handles a form that posts one email address; the form is hidden when the request succeeds. */
export function handleEmailForm(form, url) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    runOnce(form.querySelector("button"), async () => {
      const response = await request(url, { email: form.elements.email.value });
      form.hidden = response.ok;
      announce(response.message, response.ok);
    });
  });
}
