// What the pages share: the link's parameters, calls to the API, and telling the reader how they went.

const TIMEOUT_MS = 20_000;

export const byId = (id) => document.getElementById(id);
export const text = (name) => document.querySelector(`template[data-text="${name}"]`).content.textContent;

/** The link's parameters, which then leave the address bar and the history: they open an account. */
export function takeParameters(...names) {
  const parameters = new URLSearchParams(location.search);
  history.replaceState(null, "", location.pathname);
  return names.map((name) => parameters.get(name) ?? "");
}

/** Calls the API; what never arrived or is no JSON comes back as an answer that says so. */
export async function call(url, body) {
  const headers = { Accept: "application/json" };
  const options = { headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
  if (body) {
    headers["Content-Type"] = "application/json";
    Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  }
  try {
    const response = await fetch(url, options);
    return { ...(await response.json()), ok: response.ok, status: response.status };
  } catch {
    return { ok: false, status: 0, message: text("unreachable") };
  }
}

/** Shows a message in the live region. */
export function show(message, good) {
  const status = byId("status");
  status.className = `status ${good ? "good" : "bad"}`;
  status.textContent = message;
}

/** Shows what came of a press, and moves the focus there: the control that was pressed may be gone. */
export function say(message, good) {
  show(message, good);
  byId("status").focus();
}

/** Runs `work` with the control out of use, so that a second press sends nothing twice. */
export async function once(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
  }
}

/** Handles a form that posts one email address; it steps aside when the request succeeds. */
export function askByEmail(form, url) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    once(form.querySelector("button"), async () => {
      const answer = await call(url, { email: form.elements.email.value });
      form.hidden = answer.ok;
      say(answer.message, answer.ok);
    });
  });
}
