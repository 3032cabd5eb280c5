"use strict";
(() => {
  const main = document.getElementById("progress");
  const heading = main.querySelector("h1");
  const text = document.getElementById("text");
  const steps = document.getElementById("steps");
  let failures = 0;
  const say = (element, words) => {
    if (element.textContent !== words) element.textContent = words;
  };
  const show = (progress) => {
    say(heading, progress.title);
    say(text, progress.text);
    document.title = progress.title;
    for (const words of progress.steps.slice(steps.children.length)) {
      const item = document.createElement("li");
      item.textContent = words;
      steps.append(item);
    }
    main.dataset.state = progress.state;
  };
  const ask = async () => {
    try {
      const answer = await fetch(main.dataset.source, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
      failures = 0;
    } catch {
      failures += 1;
    }
    next();
  };
  const next = () => {
    if (main.dataset.state === "working") setTimeout(ask, Math.min(1000 * 2 ** failures, 30000));
  };
  next();
})();
