// Asks for a passkey and submits the form around the prompt, with the response in its field for codes.

const prompt = document.getElementById("passkey-prompt");
const [button, error] = [prompt.querySelector("button"), prompt.querySelector("[role=alert]")];

async function usePasskey() {
  error.hidden = true;
  button.disabled = true;
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(prompt.dataset.options));
    const credential = await navigator.credentials.get({ publicKey });
    button.form.elements[prompt.dataset.field].value = JSON.stringify(credential.toJSON());
    button.form.submit();
  } catch {
    error.hidden = false; // cancelled, timed out, or not allowed for this host
    button.disabled = false;
  }
}

if (globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  prompt.hidden = false;
  button.addEventListener("click", usePasskey);
}
