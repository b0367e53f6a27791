// Translates the page. The English texts are the keys; languages/ has one dictionary for each other language.

import fr from "./languages/fr.js";

const DICTIONARIES = { en: {}, fr };
const SKIPPED = "script, style, noscript";

export const language = choose(navigator.languages);

// Returns the text in the user's language, with its {names} replaced by values.
export function t(text, values = {}) {
  const translated = DICTIONARIES[language][text] ?? text;
  return translated.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export const formatTime = (time) =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(time));

export function translatePage() {
  document.documentElement.lang = language;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    const text = data.trim().replace(/\s+/g, " ");
    if (text && !parentElement.closest(SKIPPED)) texts.currentNode.data = t(text);
  }
  for (const image of document.querySelectorAll("[alt]")) image.alt = t(image.alt);
}

// Returns the first of the user's languages that has a dictionary: "fr-CA" takes French.
function choose(tags) {
  return tags.map((tag) => tag.split("-")[0]).find((name) => name in DICTIONARIES) ?? "en";
}
