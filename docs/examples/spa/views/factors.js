// Two-factor authentication: the authenticator app, recovery codes, stopping a recovery, and sign-in by emailed code.

import { ask } from "../dialogs.js";
import { t } from "../language.js";
import { announce, byId, onClick, onSubmit } from "../page.js";
import { request } from "../step-up.js";
import { showRecoveryCodes } from "./recovery-codes.js";

let user;

export function fillFactors(profile) {
  user = profile;
  byId("factor-is-on").hidden = byId("factor-actions").hidden = !user.mfaEnabled;
  byId("factor-is-off").hidden = user.mfaEnabled;
  byId("codes-left").textContent = t("Recovery codes left: {count}", { count: user.recoveryCodesLeft ?? 0 });
  byId("enrolment").hidden = true;
  byId("login-codes").checked = user.loginCodes;
}

export async function reloadFactors() {
  fillFactors((await request("GET", "/me")).user);
}

// Some requests take the password too, if the user has one. Returns null if the user cancelled.
async function withPassword(title) {
  if (!user.hasPassword) return {};
  const password = await ask({ title, label: t("Password"), type: "password", action: t("Continue") });
  return password === null ? null : { password };
}

onClick(byId("add-factor"), async () => {
  const { secret, qrSvg } = await request("POST", "/mfa/totp");
  byId("factor-secret").textContent = secret;
  byId("qr").src = `data:image/svg+xml,${encodeURIComponent(qrSvg)}`;
  byId("enrolment").hidden = false;
  byId("first-code").focus();
});
onSubmit("confirm-form", async ({ code }) => {
  const { recoveryCodes } = await request("POST", "/mfa/totp/confirm", { code });
  await reloadFactors();
  byId("factors-title").focus();
  announce(t("The authenticator app was added."));
  if (recoveryCodes?.length) await showRecoveryCodes(recoveryCodes);
});
onClick(byId("remove-factor"), async () => {
  const body = await withPassword(t("Remove the authenticator app"));
  if (body === null) return;
  await request("DELETE", "/mfa/totp", body);
  await reloadFactors();
  byId("factors-title").focus();
  announce(t("The authenticator app was removed."));
});
onClick(byId("new-codes"), async () => {
  const body = await withPassword(t("Replace the recovery codes"));
  if (body === null) return;
  const { recoveryCodes } = await request("POST", "/mfa/recovery-codes", body);
  await reloadFactors();
  await showRecoveryCodes(recoveryCodes);
});
onClick(byId("stop-recovery"), async () => {
  await request("POST", "/mfa/recovery/cancel", {});
  announce(t("The recovery is stopped. If you did not start it, change your password."));
});
onClick(byId("login-codes"), async () => {
  const box = byId("login-codes");
  try {
    await request("PATCH", "/me", { loginCodes: box.checked });
    announce(t("Saved."));
  } catch (error) {
    box.checked = !box.checked;
    throw error;
  }
});
