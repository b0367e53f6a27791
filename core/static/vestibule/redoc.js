// Starts Redoc without the logo that it would load from another host, which the Content-Security-Policy forbids.

const container = document.getElementById("reader");
const image = HTMLImageElement.prototype;
const source = Object.getOwnPropertyDescriptor(image, "src");
const { setAttribute } = image;

/** Returns an empty URL instead of one on another host: Redoc removes an image that does not load. */
function sameOrigin(url) {
  const { origin, protocol } = new URL(url, location.href);
  return origin === location.origin || protocol === "data:" ? url : "";
}

Object.defineProperty(image, "src", { ...source, set(url) { source.set.call(this, sameOrigin(url)); } });
image.setAttribute = function (name, value) {
  setAttribute.call(this, name, name === "src" ? sameOrigin(value) : value);
};

Redoc.init(container.dataset.schema, { expandResponses: "200,201" }, container);
