// Comfort only: every page works without it.
"use strict";

// The problem is what the page is about: it is focused, also where `autofocus` works on fields alone.
const problem = document.querySelector("[data-problem]");
if (problem) {
  addEventListener("load", () => {
    if (document.activeElement === document.body) problem.focus();
  });
}

// A complete code is sent at once, but only as typed or pasted: after a wrong one, the first change decides anew.
const code = document.querySelector("input[data-digits]");
if (code) {
  const wanted = Number(code.dataset.digits);
  const digits = () => code.value.replace(/[\s-]/g, "");
  let sent = false;
  code.addEventListener("focus", () => code.select());
  code.addEventListener("input", () => {
    if (!sent && new RegExp(`^[0-9]{${wanted}}$`).test(digits())) {
      sent = true;
      code.form.requestSubmit();
    }
  });
  addEventListener("pageshow", () => { sent = false; });
}

// How long until the code can be sent again.
for (const count of document.querySelectorAll("[data-countdown]")) {
  const button = count.closest("form").querySelector("button");
  const ends = performance.now() + Number(count.dataset.countdown) * 1000;
  button.disabled = true;
  const show = () => {
    const left = Math.max(0, Math.ceil((ends - performance.now()) / 1000));
    count.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left > 0) return;
    clearInterval(timer);
    count.remove();
    button.disabled = false;
  };
  const timer = setInterval(show, 250);
  show();
}

// Looking at what was typed.
for (const button of document.querySelectorAll("button[data-shows]")) {
  const field = document.getElementById(button.dataset.shows);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    field.focus();
  });
  // A password in sight would be offered again as plain text.
  button.form.addEventListener("submit", () => { field.type = "password"; });
}

// One press is enough; but whoever stopped the page may press again.
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => { delete form.dataset.sent; }, 5000);
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form")) delete form.dataset.sent;
});
