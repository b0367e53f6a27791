// One field takes the code of an authenticator app and a recovery code: only the former has six characters.

export function codeProof(text) {
  return text.replace(/[\s-]/g, "").length === 6 ? { code: text } : { recoveryCode: text };
}
