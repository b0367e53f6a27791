// The second factor of a sign-in: a passkey, the code of an authenticator app, or a recovery code; and what to do without.

import { send } from "../api.js";
import { formatTime, t } from "../language.js";
import { announce, byId, onClick, onSubmit, onView, show } from "../page.js";
import * as passkeys from "../passkeys.js";
import { codeProof } from "../proof.js";
import { pending, verifySecondFactor } from "../sign-in-flow.js";

onView((name) => {
  if (name !== "second-factor") return;
  byId("factor-passkey").hidden = !(pending.methods.includes("passkey") && passkeys.isSupported());
  byId("factor-form").hidden = !pending.methods.some((method) => ["totp", "recovery_code"].includes(method));
});

// Five wrong codes or five minutes end the sign-in: then it starts again with the first factor.
async function verify(proof) {
  try {
    await verifySecondFactor(proof);
  } catch (error) {
    if (!["token_invalid", "token_expired"].includes(error.code)) throw error;
    show("sign-in");
    announce(t("That took too long, or too many tries. Sign in again."), "bad");
  }
}

onSubmit("factor-form", ({ code }) => verify(codeProof(code)));
onClick(byId("factor-passkey"), async () => {
  const { publicKey } = await send("POST", "/mfa/passkey/options", { mfaToken: pending.mfaToken });
  const credential = await passkeys.get(publicKey);
  try {
    await verify({ credential });
  } catch (error) {
    if (error.code === "passkey_unknown") await passkeys.signalUnknown(publicKey.rpId, credential.id);
    throw error;
  }
});
onClick(byId("lost-factor"), async () => {
  const { availableAt } = await send("POST", "/mfa/recovery", { mfaToken: pending.mfaToken });
  const time = formatTime(availableAt);
  announce(t("We sent you an email. From {time} on, its link turns two-factor authentication off.", { time }));
});
