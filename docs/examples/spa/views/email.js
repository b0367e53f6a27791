// Sign in with an emailed code or its link; or request a link to set a new password.

import { send } from "../api.js";
import { t } from "../language.js";
import { announce, byId, onClick, onSubmit, show } from "../page.js";
import { adoptCookies } from "../session.js";
import { signIn } from "../sign-in-flow.js";
import { openAccount } from "./account.js";

const form = byId("email-form");
let loginToken;

// The code works only with the loginToken of this request: a code of another request does not sign in here.
onSubmit("email-form", async ({ email }) => {
  ({ loginToken } = await send("POST", "/login/code", { email }));
  byId("code-sent-to").textContent = email;
  show("login-code");
});
onSubmit("login-code-form", ({ code }) => signIn("/login/code/verify", { loginToken, code }));

// The link's page signs in by the API's own cookies, in the browser that requested it.
onClick(byId("used-link"), async () => {
  if (await adoptCookies()) await openAccount();
  else announce(t("You are not signed in yet. Open the link in this browser and press its button, or enter the code."), "bad");
});

onClick(
  byId("reset-password"),
  async () => {
    const { email } = Object.fromEntries(new FormData(form));
    await send("POST", "/forgot-password", { email });
    announce(t("If an account has this email, a link to set a new password is on its way."));
  },
  form,
);
