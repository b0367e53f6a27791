// Shows recovery codes once, to copy or to download.

import { open } from "../dialogs.js";
import { t } from "../language.js";
import { announce, byId, fillList, onClick } from "../page.js";

const list = byId("recovery-codes");
const download = byId("download-codes");

// Resolves when the user has closed the dialog; then the page no longer has the codes.
export async function showRecoveryCodes(codes) {
  fillList(list, codes);
  download.href = URL.createObjectURL(new Blob([`${codes.join("\n")}\n`], { type: "text/plain" }));
  await open(byId("recovery"));
  URL.revokeObjectURL(download.href);
  download.removeAttribute("href");
  list.replaceChildren();
}

onClick(byId("copy-codes"), async () => {
  await navigator.clipboard.writeText([...list.children].map((item) => item.textContent).join("\n"));
  announce(t("Copied."));
});
