// The parts that all views share: which view is shown, messages, buttons, and forms with errors beside their fields.

import { ApiError, Unreachable } from "./api.js";
import { t } from "./language.js";
import { PasskeyError } from "./passkeys.js";
import { isSignedIn } from "./session.js";

export const byId = (id) => document.getElementById(id);
const views = [...document.querySelectorAll("[data-view]")];
const listeners = [];

export const shownView = () => views.find((view) => !view.hidden)?.dataset.view;

// Calls `listener` with the name of each view that is shown.
export const onView = (listener) => listeners.push(listener);

export function show(name) {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close("");
  for (const view of views) view.hidden = view.dataset.view !== name;
  const view = views.find((one) => !one.hidden);
  for (const form of view.querySelectorAll("form")) form.reset();
  clearErrors(view);
  announce("");
  const heading = view.querySelector("h1");
  document.title = `${heading.textContent} · Example`;
  heading.focus();
  for (const listener of listeners) listener(name);
}

// Writes into the live region of the open dialog, or of the page: what is behind a modal dialog is not read aloud.
export function announce(text, kind = "good") {
  const status = (document.querySelector("dialog[open]") ?? document).querySelector("[role=status]");
  status.className = `status ${kind}`;
  status.textContent = text;
}

// Shows the message, which is in the user's language, and the errors beside their fields. Throws the program's own errors.
export function showError(error, form) {
  if (!(error instanceof ApiError || error instanceof Unreachable || error instanceof PasskeyError)) throw error;
  if (!isSignedIn() && (shownView() ?? "account") === "account") show("sign-in");
  const lines = [error.message];
  if (error.retryAfter) lines.push(t("Try again in {seconds} seconds.", { seconds: error.retryAfter }));
  for (const [name, texts] of Object.entries(error.errors ?? {})) {
    const field = form?.querySelector(`[name="${name}"]`);
    if (field) markField(form, field, texts);
    else lines.push(...texts);
  }
  announce(lines.join(" "), "bad");
}

function markField(form, field, texts) {
  const fault = element("p", texts.join(" "), { className: "error", id: `${field.id}-fault` });
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", fault.id);
  field.after(fault);
  form.querySelector('[aria-invalid="true"]').focus();
}

export function clearErrors(within) {
  for (const fault of within.querySelectorAll(".error")) fault.remove();
  for (const field of within.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

// Runs the action once at a time. The button stays focusable, so that a dialog can return the focus to it.
export async function attempt(button, action, form) {
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  announce("");
  try {
    await action();
  } catch (error) {
    showError(error, form);
  } finally {
    button.ariaDisabled = null;
  }
}

export function onClick(button, action, form) {
  button.addEventListener("click", () => {
    if (form) clearErrors(form);
    attempt(button, action, form);
  });
}

// Calls `action` with the values of the form's fields.
export function onSubmit(id, action) {
  const form = byId(id);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearErrors(form);
    attempt(form.querySelector("button:not([type])"), () => action(Object.fromEntries(new FormData(form))), form);
  });
}

// Text, never HTML: names of users must not become markup.
export function element(name, text, properties = {}) {
  return Object.assign(document.createElement(name), { textContent: text }, properties);
}

export function fillList(list, texts) {
  list.replaceChildren(...texts.map((text) => element("li", text)));
}

export function button(text, action, properties = {}) {
  const made = element("button", text, { type: "button", className: "quiet", ...properties });
  onClick(made, action);
  return made;
}
