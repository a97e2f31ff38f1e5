"use strict";
// the page shows one picture at a time, keeps the answers in this browser, and saves them as a file
(() => {
  const root = document.getElementById("rating");
  if (!root) return;
  const dialog = root.querySelector("dialog");
  const pictures = [...root.querySelector("template").content.children];
  const choices = [...root.querySelectorAll("[data-class]")];
  const rater = document.getElementById("rating-rater");
  const { format, audit, file } = root.dataset;
  const place = `brainleaks_pl.ratings:${audit}`;
  const immediate = "immediate" in root.dataset; // one digit names a class
  let answers = {};
  let at = 0;
  let step = "class";
  let typed = "";
  let nobody = "";

  const say = (what, text) => root.querySelectorAll(`[data-say="${what}"]`).forEach((one) => (one.textContent = text));
  const key = () => pictures[at].dataset.item;
  const complete = (answer) => answer !== undefined && answer.real !== undefined;
  const count = () => pictures.filter((picture) => complete(answers[picture.dataset.item])).length;

  function remember() {
    try {
      localStorage.setItem(place, JSON.stringify({ answers, rater: rater.value, nobody }));
    } catch {
      // a browser that keeps nothing: the answers last as long as the page
    }
  }

  function recall() {
    try {
      const kept = JSON.parse(localStorage.getItem(place));
      if (kept) [answers, rater.value, nobody] = [kept.answers ?? {}, kept.rater ?? "", kept.nobody ?? ""];
    } catch {
      answers = {};
    }
  }

  function show() {
    const ended = at >= pictures.length;
    root.querySelectorAll("[data-step]").forEach((one) => (one.hidden = one.dataset.step !== (ended ? "end" : step)));
    root.querySelector(".rating-shown").replaceChildren(...(ended ? [] : [pictures[at]]));
    const given = ended ? undefined : answers[key()];
    const press = (one, pressed) => one.setAttribute("aria-pressed", String(pressed));
    const label = (one) => (one.dataset.class === "" ? null : Number(one.dataset.class));
    choices.forEach((one) => press(one, given !== undefined && given.class === label(one)));
    root.querySelectorAll("[data-real]").forEach((one) => press(one, complete(given) && String(given.real) === one.dataset.real));
    typed = "";
    say("typed", "");
    say("progress", ended ? `${count()} of ${pictures.length} rated` : `${at + 1} of ${pictures.length}`);
    say("kept", count() ? `${count()} of ${pictures.length} rated.` : "");
    root.querySelectorAll('[data-do="save"], [data-do="clear"]').forEach((one) => (one.disabled = count() === 0));
    root.querySelector('[data-do="back"]').disabled = at === 0 && step === "class";
    dialog.scrollTop = 0;
    if (dialog.open) dialog.focus(); // a hidden button would take the keyboard with it
  }

  function chooseClass(button) {
    answers[key()] = { ...answers[key()], class: button.dataset.class === "" ? null : Number(button.dataset.class) };
    step = "real";
    remember();
    show();
  }

  function chooseReal(real) {
    answers[key()].real = real;
    at += 1;
    step = "class";
    remember();
    show();
  }

  const acts = {
    open() {
      const next = pictures.findIndex((picture) => !complete(answers[picture.dataset.item]));
      at = next < 0 ? pictures.length : next;
      step = "class";
      dialog.showModal();
      show();
    },
    close() {
      dialog.close();
    },
    back() {
      if (step === "real") step = "class";
      else if (at > 0) [at, step] = [at - 1, at === pictures.length ? "real" : "class"];
      show();
    },
    save() {
      if (!count()) return;
      nobody ||= `anonymous-${Math.random().toString(16).slice(2, 8)}`;
      remember();
      const rated = pictures.map((picture) => picture.dataset.item).filter((item) => complete(answers[item]));
      const content = {
        format,
        audit,
        rater: rater.value.trim() || nobody,
        answers: rated.map((item) => ({ item, class: answers[item].class, real: answers[item].real })),
      };
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([JSON.stringify(content, null, 1)], { type: "application/json" }));
      link.download = file;
      root.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
      const words = `${rated.length} answers were saved as ${file}, where your browser saves files.`;
      say("saved", `${words} Give the file to whoever ran the audit.`);
      say("kept", words);
    },
    clear() {
      if (!confirm(`Delete ${count()} answers from this browser? Files that you saved stay.`)) return;
      [answers, at, step, nobody, rater.value] = [{}, 0, "class", "", ""];
      remember();
      show();
    },
  };

  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.do) acts[button.dataset.do]();
    else if (button.dataset.real) chooseReal(button.dataset.real === "true");
    else chooseClass(button);
  });
  rater.addEventListener("change", remember);
  dialog.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || at >= pictures.length) return;
    const pressed = event.key.toLowerCase();
    const named = (label) => choices.find((one) => one.dataset.class === label);
    if (pressed === "backspace" && typed) {
      typed = typed.slice(0, -1);
    } else if (pressed === "backspace") {
      acts.back();
    } else if (step === "real" && (pressed === "r" || pressed === "a")) {
      chooseReal(pressed === "r");
    } else if (step === "class" && pressed === "c") {
      chooseClass(named(""));
    } else if (step === "class" && /^\d$/.test(pressed)) {
      typed = immediate ? pressed : (typed + pressed).slice(-4);
      if (immediate && named(typed)) chooseClass(named(typed));
    } else if (step === "class" && pressed === "enter" && typed) {
      event.preventDefault(); // not the button that has the focus
      const button = named(String(Number(typed)));
      typed = "";
      if (button) chooseClass(button);
    } else {
      return;
    }
    say("typed", immediate ? "" : typed);
  });

  root.querySelector(".rating-start").hidden = false;
  recall();
  show();
})();
