// Sets a new password with the link's token; without one, or with a dead one, asks for another link.

import { askByEmail, byId, call, once, say, takeParameters, text } from "./page.js";

const RULES = {
  length: (password) => [...password].length >= 8 && [...password].length <= 128,
  upper: (password) => /\p{Lu}/u.test(password),
  lower: (password) => /\p{Ll}/u.test(password),
  digit: (password) => /\p{Nd}/u.test(password),
};

const [token] = takeParameters("token");
const choose = byId("choose");
const ask = byId("ask");
const { password, repeated } = choose.elements;

function showRules() {
  for (const item of document.querySelectorAll("[data-rule]")) {
    item.classList.toggle("met", RULES[item.dataset.rule](password.value));
  }
}

function mark(field, message) {
  byId(`${field.id}-error`).textContent = message;
  field.setAttribute("aria-invalid", String(Boolean(message)));
  if (message) field.focus();
}

async function change() {
  mark(password, "");
  mark(repeated, "");
  if (password.value !== repeated.value) return mark(repeated, text("different"));

  const answer = await call("/api/auth/reset-password", { token, newPassword: password.value });
  const fieldErrors = answer.errors?.newPassword;
  if (fieldErrors) return mark(password, fieldErrors.join(" "));
  if (answer.ok) choose.reset();
  choose.hidden = answer.ok || answer.code === "token_invalid";
  ask.hidden = answer.code !== "token_invalid";
  say(answer.ok ? text("changed") : answer.message, answer.ok);
}

choose.addEventListener("submit", (event) => {
  event.preventDefault();
  once(choose.querySelector("button"), change);
});
password.addEventListener("input", showRules);
byId("visible").addEventListener("change", (event) => {
  password.type = repeated.type = event.currentTarget.checked ? "text" : "password";
});
askByEmail(ask, "/api/auth/forgot-password");
(token ? choose : ask).hidden = false;
