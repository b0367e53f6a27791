// The pages of the example: one section each, forms with error messages, and sign-in and sign-out in other tabs.

import { ApiError, Unreachable, call, isSignedIn, logIn, logOut, onSessionChange, verifySecondFactor } from "./api.js";

const $ = (selector, within = document) => within.querySelector(selector);
const views = [...document.querySelectorAll("[data-view]")];

// A sign-in or sign-up in progress, in this tab only.
let pending = {};

const forms = {
  async register(fields) {
    await call("POST", "/register", fields);
    askForCode(fields.email);
  },
  async verify({ code }) {
    await call("POST", "/verify-email", { email: pending.email, code });
    show("sign-in");
    showStatus("Your email is verified. Sign in now.");
  },
  async "sign-in"({ identifier, password, transport }) {
    try {
      const data = await logIn(transport, { identifier, password });
      if (!data.mfaRequired) return openAccount();
      pending = { transport, mfaToken: data.mfaToken };
      show("second-factor");
    } catch (error) {
      if (error.code !== "email_not_verified" || !identifier.includes("@")) throw error;
      askForCode(identifier);
      showStatus(error.message, "bad");
    }
  },
  async "second-factor"({ code }) {
    const proof = /^\s*\d{6}\s*$/.test(code) ? { code: code.trim() } : { recoveryCode: code };
    try {
      await verifySecondFactor(pending.transport, { mfaToken: pending.mfaToken, ...proof });
    } catch (error) {
      if (!["token_invalid", "token_expired"].includes(error.code)) throw error;
      show("sign-in");
      return showStatus("That took too long, or too many tries. Sign in again.", "bad");
    }
    await openAccount();
  },
  async "confirm-factor"({ code }) {
    const { recoveryCodes } = await call("POST", "/mfa/totp/confirm", { code });
    await openAccount();
    fillList($("#recovery-codes"), recoveryCodes);
    $("#recovery").hidden = false;
    showStatus("Your second factor is on.");
  },
};

function askForCode(email) {
  pending = { email };
  $("#sent-to").textContent = email;
  show("verify");
}

async function openAccount() {
  const { user } = await call("GET", "/me");
  fillProfile(user);
  fillList($("#sessions"), user.sessions.map((session) => describe(session)));
  $("#factor-is-on").hidden = !user.mfaEnabled;
  $("#factor-is-off").hidden = user.mfaEnabled;
  $("#enrolment").hidden = $("#recovery").hidden = true;
  show("account");
}

const describe = ({ browser, os, ip, current }) => `${browser} on ${os}, ${ip}${current ? " (this one)" : ""}`;

function fillProfile(user) {
  const lines = { Username: user.username, Email: user.email, Role: user.role };
  const parts = Object.entries(lines).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  $("#profile").replaceChildren(...parts);
}

function fillList(list, texts) {
  list.replaceChildren(...texts.map((text) => element("li", text)));
}

// Text, never HTML: names of users must not become markup.
function element(name, text) {
  return Object.assign(document.createElement(name), { textContent: text });
}

function show(name) {
  for (const view of views) view.hidden = view.dataset.view !== name;
  const view = $(`[data-view="${name}"]`);
  for (const form of view.querySelectorAll("form")) form.reset();
  clearErrors(view);
  showStatus("");
  document.title = `${$("h1", view).textContent} · Example`;
  $("h1", view).focus();
}

function showStatus(text, kind = "good") {
  $("#status").className = `status ${kind}`;
  $("#status").textContent = text;
}

// Show the message, which is in the user's language, and errors beside their fields.
function showError(error, form) {
  if (!(error instanceof ApiError || error instanceof Unreachable)) throw error;
  if (!isSignedIn() && !$('[data-view="account"]').hidden) show("sign-in");
  showStatus(error.message + (error.retryAfter ? ` Try again in ${error.retryAfter} seconds.` : ""), "bad");
  for (const [name, texts] of Object.entries(error.errors ?? {})) markField(form, name, texts);
}

function markField(form, name, texts) {
  const field = form?.elements[name];
  if (!field) return;
  const fault = Object.assign(element("p", texts.join(" ")), { className: "error", id: `${field.id}-fault` });
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", fault.id);
  field.after(fault);
  $('[aria-invalid="true"]', form).focus();
}

function clearErrors(within) {
  for (const fault of within.querySelectorAll(".error")) fault.remove();
  for (const field of within.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
}

async function attempt(button, action, form) {
  button.disabled = true;
  showStatus("");
  try {
    await action();
  } catch (error) {
    showError(error, form);
  } finally {
    button.disabled = false;
  }
}

function onClick(selector, action) {
  $(selector).addEventListener("click", (event) => attempt(event.currentTarget, action));
}

for (const form of document.querySelectorAll("[data-form]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearErrors(form);
    const action = () => forms[form.dataset.form](Object.fromEntries(new FormData(form)));
    attempt($("button:not([type])", form), action, form);
  });
}
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => show(button.dataset.show));
}
onClick("#reload", openAccount);
onClick("#resend", async () => {
  await call("POST", "/resend-verification", { email: pending.email });
  showStatus("Another code is on its way; the former one is of no use any more.");
});
onClick("#log-out", async () => {
  await logOut();
  show("sign-in");
  showStatus("You are signed out.");
});
onClick("#log-out-all", async () => {
  await logOut(true);
  show("sign-in");
  showStatus("You are signed out everywhere.");
});
onClick("#add-factor", async () => {
  const { secret, qrSvg } = await call("POST", "/mfa/totp");
  $("#factor-secret").textContent = secret;
  $("#qr").src = `data:image/svg+xml,${encodeURIComponent(qrSvg)}`;
  $("#factor-is-off").hidden = true;
  $("#enrolment").hidden = false;
  $("#first-code").focus();
});
onSessionChange((signedIn) => {
  if (signedIn) return openAccount().catch((error) => showError(error));
  show("sign-in");
  showStatus("You were signed out in another tab.");
});

if (isSignedIn()) openAccount().catch((error) => showError(error));
