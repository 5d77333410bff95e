// The configurator on another site: <script type="module" src="https://HERE/embed/widget.js"></script>
// <batchone-configurator product="..." lang="en"></batchone-configurator>
//
// It stands in the page itself, not in a frame: it grows with its content, follows the page's font, and asks without cookies, so
// nothing that a signed-in person could do can be done through it. It says `batchone-change` with choices and price after each
// answer; ordering leads to the shop. Only sites that the platform allows get answers.
const HOME = new URL(".", import.meta.url);

const STYLE = `
:host { display: block; font: inherit; color: inherit; max-width: 44rem }
fieldset { border: 0; margin: 0 0 1rem; padding: 0 } legend { font-weight: 600; padding: 0 0 .3rem }
label { display: flex; gap: .5rem; align-items: baseline; min-height: 2.75rem; padding: .3rem 0 }
label[data-blocked] { opacity: .75 } .why { margin: 0 0 .5rem 1.75rem; font-size: .875em }
.act { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center; padding-top: .25rem } .change { margin-inline-start: auto; font-variant-numeric: tabular-nums }
.sum { display: flex; gap: 1rem; align-items: center; font-size: 1.25rem } .picture svg { max-width: 100%; height: 12rem }
button { font: inherit; color: inherit; background: none; border: 1px solid; border-radius: .25rem; min-height: 2.75rem; padding: .25rem .75rem; cursor: pointer }
a { color: inherit } [role=alert] { border-inline-start: .25rem solid; padding: .5rem .75rem }`;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  made.append(...children);
  return made;
}

class Configurator extends HTMLElement {
  static observedAttributes = ["product", "lang"];
  #choices = {};
  #asked = 0;
  #root = this.attachShadow({ mode: "open" });

  attributeChangedCallback(name) {
    if (name === "product") this.#choices = {};
    if (this.isConnected) this.#ask();
  }

  connectedCallback() {
    this.#ask();
  }

  get choices() {
    return { ...this.#choices };
  }

  async #ask(focus = "") {
    const product = this.getAttribute("product");
    if (!product) return;
    const turn = ++this.#asked;
    const address = new URL(encodeURIComponent(product), HOME);
    const language = this.getAttribute("lang") || document.documentElement.lang || "en";
    address.search = new URLSearchParams({ ...this.#choices, lang: language });
    try {
      const answer = await fetch(address, { credentials: "omit", headers: { accept: "application/json" } });
      const told = await answer.json();
      if (turn !== this.#asked) return; // a later click has been made meanwhile
      if (!answer.ok) throw new Error(told.detail);
      this.#show(told, language, focus);
      this.dispatchEvent(new CustomEvent("batchone-change", { bubbles: true, detail: { choices: told.completion, price: told.price } }));
    } catch (error) {
      if (turn === this.#asked) this.#root.replaceChildren(element("style", {}, STYLE), element("p", { role: "alert" }, String(error.message)));
    }
  }

  #show(told, language, focus) {
    const money = (amount, sign) =>
      new Intl.NumberFormat(language, { style: "currency", currency: told.price.currency, signDisplay: sign ? "exceptZero" : "auto" }).format(amount);
    const rows = told.options.map((option) => element("fieldset", {}, element("legend", {}, option.name), ...option.values.map((value) => this.#row(option, value, money, told))));
    const picture = element("div", { class: "picture" });
    const drawn = new DOMParser().parseFromString(told.drawing, "image/svg+xml").documentElement;
    if (drawn.localName === "svg") picture.append(document.importNode(drawn, true));
    const link = element("a", { href: new URL(told.shop, HOME).href, target: "_blank", rel: "noopener" }, told.words.order);
    const sum = element("p", { class: "sum", "aria-live": "polite" }, element("strong", {}, money(told.price.amount)), link);
    this.#root.replaceChildren(element("style", {}, STYLE), picture, ...rows, sum);
    if (focus) this.#root.getElementById(focus)?.focus();
  }

  #row(option, value, money, told) {
    const id = `${option.id}-${value.id}`;
    const input = element("input", { type: "radio", id, name: option.id, value: value.id, checked: value.id === option.completed, disabled: value.blocked, "aria-describedby": value.reason && `why-${id}` });
    input.addEventListener("change", () => {
      this.#choices = { ...this.#choices, [option.id]: value.id };
      this.#ask(id);
    });
    const change = value.change && Number(value.change) !== 0 ? money(value.change, true) : "";
    const row = element("label", { "data-blocked": value.blocked }, input, element("span", {}, value.name), element("span", { class: "change" }, change));
    return element("div", {}, row, ...(value.reason ? [element("p", { class: "why", id: `why-${id}` }, value.reason, ...this.#anyway(option, value, told, id))] : []));
  }

  // What has to go for a blocked value is what the page shows, so the choices go on from those that it was shown for.
  #anyway(option, value, told, id) {
    const gone = Object.keys(value.give_up);
    if (!gone.length) return [];
    const button = element("button", { type: "button", "aria-label": `${told.words.anyway}: ${value.name}` }, told.words.anyway);
    button.addEventListener("click", () => {
      const kept = Object.entries(told.choices).filter(([each]) => !gone.includes(each));
      this.#choices = { ...Object.fromEntries(kept), [option.id]: value.id };
      this.#ask(id);
    });
    return [element("span", { class: "act" }, button, `${told.words.instead} ${Object.values(value.give_up).join(", ")}`)];
  }
}

customElements.define("batchone-configurator", Configurator);
