// Elements of the page: found, and made. Texts stay texts: nothing here parses HTML.

export const $ = (id) => document.getElementById(id);

// An element with a class and contents.
export function make(tag, className, ...contents) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...contents.filter((it) => it !== null && it !== undefined));
  return element;
}
