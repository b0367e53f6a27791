// Starts the example: translates the page, connects the views, and opens the account of a user who is signed in.

import { translatePage } from "./language.js";
import { show, showError } from "./page.js";
import { isSignedIn } from "./session.js";
import { openAccount } from "./views/account.js";
import "./views/email.js";
import "./views/second-factor.js";
import "./views/sign-in.js";
import "./views/sign-up.js";

translatePage();
for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => show(button.dataset.show));
}
if (isSignedIn()) openAccount().catch((error) => showError(error));
else show("sign-in");
