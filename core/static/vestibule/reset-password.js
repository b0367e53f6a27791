// Sets a new password with the token of the link; if it is missing or invalid, offers to send another link.

import { announce, byId, handleEmailForm, request, runOnce, takeParameters, text } from "./page.js";

const RULES = {
  length: (password) => [...password].length >= 8 && [...password].length <= 128,
  upper: (password) => /\p{Lu}/u.test(password),
  lower: (password) => /\p{Ll}/u.test(password),
  digit: (password) => /\p{Nd}/u.test(password),
};

const [token] = takeParameters("token");
const passwordForm = byId("choose");
const emailForm = byId("ask");
const { password, repeated } = passwordForm.elements;

function showRules() {
  for (const item of document.querySelectorAll("[data-rule]")) {
    item.classList.toggle("met", RULES[item.dataset.rule](password.value));
  }
}

function setError(field, message) {
  byId(`${field.id}-error`).textContent = message;
  field.setAttribute("aria-invalid", String(Boolean(message)));
  if (message) field.focus();
}

async function change() {
  setError(password, "");
  setError(repeated, "");
  if (password.value !== repeated.value) return setError(repeated, text("different"));

  const response = await request("/api/auth/reset-password", { token, newPassword: password.value });
  const fieldErrors = response.errors?.newPassword;
  if (fieldErrors) return setError(password, fieldErrors.join(" "));
  if (response.ok) passwordForm.reset();
  passwordForm.hidden = response.ok || response.code === "token_invalid";
  emailForm.hidden = response.code !== "token_invalid";
  announce(response.ok ? text("changed") : response.message, response.ok);
}

passwordForm.addEventListener("submit", (event) => {
  event.preventDefault();
  runOnce(passwordForm.querySelector("button"), change);
});
password.addEventListener("input", showRules);
byId("visible").addEventListener("change", (event) => {
  password.type = repeated.type = event.currentTarget.checked ? "text" : "password";
});
handleEmailForm(emailForm, "/api/auth/forgot-password");
(token ? passwordForm : emailForm).hidden = false;
