// The user's passkeys: list, add, rename and remove them, and the offer to add one after a sign-in with a password.

import { ask } from "../dialogs.js";
import { formatTime, t } from "../language.js";
import { announce, button, byId, element, onClick } from "../page.js";
import * as passkeys from "../passkeys.js";
import { request } from "../step-up.js";
import { reloadFactors } from "./factors.js";
import { showRecoveryCodes } from "./recovery-codes.js";

export async function fillPasskeys() {
  const owned = await request("GET", "/passkeys");
  byId("passkeys").replaceChildren(...owned.passkeys.map(listItem));
  byId("no-passkeys").hidden = owned.passkeys.length > 0;
  byId("add-passkey").hidden = !passkeys.isSupported();
  byId("passkey-offer").hidden = true;
  // After each sign-in and each change, the password manager learns which passkeys still work.
  await passkeys.signalAccepted(owned.signal);
}

export async function offerPasskey() {
  const isPossible =
    passkeys.isSupported() && (await PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable());
  byId("passkey-offer").hidden = !isPossible || byId("passkeys").children.length > 0;
}

async function add() {
  const { publicKey } = await request("POST", "/passkeys/registration/options");
  const credential = await passkeys.create(publicKey);
  const { recoveryCodes } = await request("POST", "/passkeys", { credential });
  await refresh(t("The passkey was added."));
  if (recoveryCodes) await showRecoveryCodes(recoveryCodes);
}

async function rename(passkey) {
  const name = await ask({ title: t("Rename the passkey"), label: t("Name"), value: passkey.name, action: t("Save") });
  if (name === null) return;
  await request("PATCH", `/passkeys/${passkey.id}`, { name });
  await refresh(t("The passkey was renamed."));
}

async function remove(passkey) {
  const text = t("You can no longer sign in with “{name}”.", { name: passkey.name });
  if ((await ask({ title: t("Remove the passkey?"), text, action: t("Remove") })) === null) return;
  await request("DELETE", `/passkeys/${passkey.id}`);
  await refresh(t("The passkey was removed."));
}

// The button that had the focus is gone with the old list.
async function refresh(message) {
  await fillPasskeys();
  await reloadFactors();
  byId("passkeys-title").focus();
  announce(message);
}

function listItem(passkey) {
  const used = passkey.lastUsedAt ? t("Last used {time}", { time: formatTime(passkey.lastUsedAt) }) : t("Never used");
  const item = element("li", "");
  const label = (action) => ({ ariaLabel: `${action}: ${passkey.name}` });
  item.append(
    element("strong", passkey.name),
    element("span", [passkey.provider, used].filter(Boolean).join(" · "), { className: "detail" }),
    button(t("Rename"), () => rename(passkey), label(t("Rename"))),
    button(t("Remove"), () => remove(passkey), label(t("Remove"))),
  );
  return item;
}

onClick(byId("add-passkey"), add);
onClick(byId("offer-accept"), add);
byId("offer-decline").addEventListener("click", () => (byId("passkey-offer").hidden = true));
