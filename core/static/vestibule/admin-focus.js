// Focuses the field with `autofocus`: browsers skip it because the page is hidden until Alpine has started.

const focus = () => document.querySelector("[autofocus]")?.focus();
document.addEventListener("alpine:initialized", () => requestAnimationFrame(focus));
