// Starts Redoc, without the logo that it would fetch from its maker's host: the policy of this page forbids that, rightly.

const reader = document.getElementById("reader");
const image = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(image, "src");
const { setAttribute } = image;

/** Nothing in place of an address elsewhere: an image that does not load is one that Redoc leaves out. */
function own(address) {
  const { origin, protocol } = new URL(address, location.href);
  return origin === location.origin || protocol === "data:" ? address : "";
}

Object.defineProperty(image, "src", { ...source, set(address) { source.set.call(this, own(address)); } });
image.setAttribute = function (name, value) {
  setAttribute.call(this, name, name === "src" ? own(value) : value);
};

Redoc.init(reader.dataset.schema, { expandResponses: "200,201" }, reader);
