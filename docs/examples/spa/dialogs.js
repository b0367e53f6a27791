// Modal dialogs. Escape cancels them, and the focus returns to the element that had it.

import { t } from "./language.js";
import { byId } from "./page.js";

// Shows the dialog and resolves with the value of the button that closed it: "" if the user cancelled.
export function open(dialog) {
  const focused = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const finish = () => {
      focused?.focus();
      resolve(dialog.returnValue);
    };
    dialog.addEventListener("close", finish, { once: true });
  });
}

// Asks to confirm an action, with a field for a value if `label` is given. Resolves with the value, or null if cancelled.
export async function ask({ title, text = "", action, label = "", value = "", type = "text" }) {
  const field = byId("ask-field");
  byId("ask-title").textContent = title;
  byId("ask-text").textContent = text;
  byId("ask-action").textContent = action;
  byId("ask-label").textContent = label || t("Value");
  byId("ask-value").hidden = !label;
  Object.assign(field, { value, type, required: Boolean(label) });
  field.autocomplete = type === "password" ? "current-password" : "off";
  return (await open(byId("ask"))) ? field.value : null;
}

for (const cancel of document.querySelectorAll("[data-cancel]")) {
  cancel.addEventListener("click", () => cancel.closest("dialog").close(""));
}
