// What Gradio has no part for: opening citations in the reader, their hover cards, light and dark.
(() => {
  "use strict";
  const THEME = "mustanad-theme";
  let openPlace = () => {};
  let lastChip = null;

  const placeOf = (link) => {
    const asked = new URL(link.getAttribute("href"), document.baseURI).searchParams;
    return { article: asked.get("article"), start: asked.get("start"), end: asked.get("end") };
  };
  const addressOf = (place) => {
    const address = new URL(document.baseURI);
    address.search = new URLSearchParams(place).toString();
    return address.href;
  };

  // The clipboard's own interface is missing where the page is served over plain HTTP.
  const copy = async (words) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(words);
    const carrier = document.createElement("textarea");
    carrier.value = words;
    document.body.append(carrier);
    carrier.select();
    document.execCommand("copy");
    carrier.remove();
  };

  // --- the reader -----------------------------------------------------------------------------
  const reader = (element, props, trigger, watch, name) => {
    let place = null;
    openPlace = (asked) => {
      const mark = element.querySelector("mark");
      const open = place && mark && addressOf(place) === addressOf(asked);
      place = asked;
      if (open) mark.scrollIntoView({ block: "center" });  // nothing will change to watch for
      else trigger(name, asked);
    };
    const close = () => {
      props.value = "";
      if (lastChip && lastChip.isConnected) lastChip.focus();
    };
    watch("value", () => {
      const mark = element.querySelector("mark");
      const body = element.querySelector(".mu-body");
      if (mark) mark.scrollIntoView({ block: "center" });
      else if (body) body.scrollTop = 0;
      if (body) body.focus({ preventScroll: true });
    });
    const step = (by) => {
      const answer = lastChip && lastChip.closest(".mu-answer");
      const chips = answer ? [...answer.querySelectorAll("a.mu-chip")] : [];
      const at = chips.findIndex((chip) => chip.getAttribute("href") === lastChip.getAttribute("href"));
      const next = chips[at + by];
      if (next) { lastChip = next; openPlace(placeOf(next)); }
    };
    element.addEventListener("click", async (event) => {
      const tool = event.target.closest("button.mu-tool");
      if (!tool) return;
      if (tool.classList.contains("mu-close")) close();
      else if (tool.classList.contains("mu-next")) step(1);
      else if (tool.classList.contains("mu-previous")) step(-1);
      else if (tool.classList.contains("mu-link") && place) {
        await copy(addressOf(place));
        tool.classList.add("mu-copied");
        setTimeout(() => tool.classList.remove("mu-copied"), 1200);
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && element.querySelector(".mu-article")) close();
    });
    const asked = new URLSearchParams(location.search);
    if (asked.has("article")) place = Object.fromEntries(asked);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a.mu-open");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    event.stopPropagation();
    lastChip = link;
    hideCard();
    openPlace(placeOf(link));
  }, true);

  // --- the small buttons of questions and answers ---------------------------------------------
  let send = () => {};
  const bridge = (trigger, names) => {
    send = (name, value) => { if (names.includes(name)) trigger(name, { value }); };
  };
  const copyText = async (button) => {
    const whole = button.closest(".mu-tools").querySelector(".mu-footnoted");
    const lines = [...whole.childNodes].map((n) => (n.nodeName === "BR" ? "\n" : n.textContent));
    await copy(lines.join(""));
    button.classList.add("mu-pressed");
    setTimeout(() => button.classList.remove("mu-pressed"), 1200);
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("button.mu-act");
    if (!button) return;
    if (button.name === "copy") copyText(button);
    else send(button.name, button.value);
    if (button.name === "edit") document.querySelector("#mu-box textarea").focus();
  });

  const save = (packed) => {
    const { name, content } = JSON.parse(packed);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };

  // --- the address: which conversation is open, kept when the language is switched -------------
  const remember = (id) => {
    const address = new URL(location.href);
    if (id) address.searchParams.set("chat", id);
    else address.searchParams.delete("chat");
    history.replaceState(null, "", address);
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest("a.mu-switch");
    if (!link) return;
    event.preventDefault();
    const address = new URL(location.href);
    address.searchParams.set("lang", link.lang);
    location.assign(address);
  });

  // --- hover cards ----------------------------------------------------------------------------
  let card = null;
  let carded = null;  // the chip that the card speaks of
  const hideCard = () => { if (card) card.hidden = true; carded = null; };
  const showCard = (chip) => {
    const tip = chip.querySelector(".mu-tip");
    if (!tip) return;
    if (!card) {
      card = document.createElement("div");
      card.id = "mu-card";
      document.body.append(card);
    }
    chip.removeAttribute("title");  // the card says it better; both at once would cover it
    carded = chip;
    card.innerHTML = tip.innerHTML;  // escaped by the server, sanitised by Gradio
    card.dir = tip.getAttribute("dir") || "";
    card.hidden = false;
    const at = chip.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = Math.min(Math.max(8, at.left + at.width / 2 - width / 2), innerWidth - width - 8);
    const above = at.top - height - 8;
    card.style.left = `${left}px`;
    card.style.top = `${above > 8 ? above : at.bottom + 8}px`;
  };
  for (const [on, off] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(on, (event) => {
      const chip = event.target.closest && event.target.closest("a.mu-chip");
      if (chip) showCard(chip);
    });
    document.addEventListener(off, hideCard);
  }
  document.addEventListener("scroll", () => {
    if (!carded) return;
    if (carded.matches(":hover, :focus-visible")) showCard(carded);
    else hideCard();
  }, true);

  // --- the list of conversations on small screens ---------------------------------------------
  document.addEventListener("click", (event) => {
    if (!event.target.closest) return;
    if (event.target.closest(".mu-menu")) document.body.classList.toggle("mu-listing");
    else if (event.target.closest("#mu-picker label, #mu-new, #mu-main, [role=tab]")) {
      document.body.classList.remove("mu-listing");
    }
  });

  // Gradio names its drop zone otherwise than the words that it shows there; those are enough.
  const unname = () => document.querySelectorAll(".upload-container[aria-label]")
    .forEach((zone) => zone.removeAttribute("aria-label"));
  document.addEventListener("focusin", unname);
  document.addEventListener("click", () => setTimeout(unname, 300));

  // --- light and dark -------------------------------------------------------------------------
  const wanted = () => localStorage.getItem(THEME);
  const applyTheme = () => {
    const theme = wanted();
    if (theme) document.body.classList.toggle("dark", theme === "dark");
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest(".mu-theme")) return;
    localStorage.setItem(THEME, document.body.classList.contains("dark") ? "light" : "dark");
    applyTheme();
  });
  document.addEventListener("DOMContentLoaded", () => {
    applyTheme();
    // Gradio sets its own idea of the theme once it has mounted.
    new MutationObserver(() => {
      const dark = document.body.classList.contains("dark");
      if (wanted() && dark !== (wanted() === "dark")) applyTheme();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  });

  window.mustanad = { reader, bridge, remember, save };
})();
