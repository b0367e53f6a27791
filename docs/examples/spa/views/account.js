// The account: the profile, the sessions, and the settings of the other views.

import { t } from "../language.js";
import { announce, byId, element, fillList, onClick, show, showError } from "../page.js";
import { call, logOut, onSessionChange } from "../session.js";
import { fillFactors } from "./factors.js";
import { fillPasskeys } from "./passkeys.js";

export async function openAccount() {
  const { user } = await call("GET", "/me");
  fillProfile(user);
  fillList(byId("sessions"), user.sessions.map(describe));
  fillFactors(user);
  await fillPasskeys();
  show("account");
}

function describe({ browser, os, ip, current }) {
  const session = t("{browser} on {os}, {ip}", { browser, os, ip });
  return current ? `${session} ${t("(this one)")}` : session;
}

function fillProfile(user) {
  const lines = { [t("Username")]: user.username, [t("Email")]: user.email, [t("Role")]: user.role };
  const parts = Object.entries(lines).flatMap(([name, value]) => [element("dt", name), element("dd", value)]);
  byId("profile").replaceChildren(...parts);
}

async function leave(everywhere, message) {
  await logOut(everywhere);
  show("sign-in");
  announce(message);
}

onClick(byId("reload"), openAccount);
onClick(byId("log-out"), () => leave(false, t("You are signed out.")));
onClick(byId("log-out-all"), () => leave(true, t("You are signed out everywhere.")));
onSessionChange((signedIn) => {
  if (signedIn) return openAccount().catch((error) => showError(error));
  show("sign-in");
  announce(t("You were signed out in another tab."));
});
