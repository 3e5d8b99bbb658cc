
// ---- Why a label has its score ----
const UNKNOWN_WORDS = "[UNK]"; // As components/transform/vocabulary.py calls them.
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]/u;
let explains = false; // Whether the model has the signature.
let answered = null; // What was answered last: text, version and, once it was asked, the explanation.

// Finds an n-gram in a text as the model does: in any case, whatever stands between letters.
function pattern(ngram) {
  const isLetter = (one) => one !== undefined && /[\p{L}\p{N}]/u.test(one) && !UNSPACED.test(one);
  const words = ngram.split(" ").map((word) => [...word.normalize("NFD")]);
  let found = isLetter(words[0][0]) ? "(?<![\\p{L}\\p{N}\\p{M}])" : "";
  words.forEach((word, i) => {
    const apart = i && isLetter(words[i - 1].at(-1)) && isLetter(word[0]);
    if (i) found += `[^\\p{L}\\p{N}]${apart ? "+" : "*"}`;
    found += word.map((one) => one.replace(/[\\^$.*+?()[\]{}|\/-]/u, "\\$&")).join("[\\p{P}\\p{S}\\p{Cf}]*");
  });
  return new RegExp(found + (isLetter(words.at(-1).at(-1)) ? "(?![\\p{L}\\p{N}\\p{M}])" : ""), "giu");
}

// The text with marks: where n-grams overlap, what they add up to counts.
function marked(text, added) {
  const shown = text.normalize("NFD");
  const sums = new Float64Array(shown.length);
  for (const [ngram, value] of added) {
    for (const {index, 0: found} of ngram === UNKNOWN_WORDS ? [] : shown.matchAll(pattern(ngram))) {
      for (let i = index; i < index + found.length; i++) sums[i] += value;
    }
  }
  const parts = [];
  for (let start = 0, end = 0; start < shown.length; start = end) {
    while (end < shown.length && Math.sign(sums[end]) === Math.sign(sums[start])) end++;
    const part = shown.slice(start, end);
    parts.push(sums[start] ? element("mark", sums[start] > 0 ? "for" : "against", part) : part);
  }
  return parts;
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

function showWhy(label, {ngrams, contributions, rest, bias}) {
  const added = ngrams.map((ngram, i) => [ngram, contributions[i]]).filter(([ngram]) => ngram);
  const list = (side) => side.map(([ngram, value]) => element("li", "",
    element("span", "number", signed(value)), ` ${ngram === UNKNOWN_WORDS ? "words unknown to the model" : ngram}`));
  $("why-heading").textContent = `Why ${label}?`;
  $("why-text").replaceChildren(...marked(answered.text, added));
  $("why-for").replaceChildren(...list(added.filter(([, value]) => value > 0)));
  $("why-against").replaceChildren(...list(added.filter(([, value]) => value < 0)));
  $("why-rest").textContent = `All other words add ${signed(rest)}; without any word it would be ${signed(bias)}. ` +
    "The sum of all is the logit, which the percentage is computed from.";
  $("why").hidden = false;
  $("why").focus();
}

async function askWhy(label) {
  const asked = answered;
  showError("");
  try {
    asked.explanation ??= call(`${base}/versions/${asked.version}:predict`,
      {signature_name: "explain", inputs: {text: [asked.text]}});
    const {outputs} = await asked.explanation;
    if (asked !== answered) return;
    const place = outputs.labels[0].indexOf(label);
    const of = (name) => outputs[name][0][place];
    showWhy(label, {ngrams: of("ngrams"), contributions: of("contributions"), rest: of("rest"), bias: of("bias")});
  } catch (error) {
    asked.explanation = null;
    if (asked === answered) showError(error instanceof ServerError ? error.message : `Unexpected answer from the server: ${error.message}.`);
  }
}

function whyButton(label) {
  const button = element("button", "link small", "Why?");
  button.type = "button";
  button.setAttribute("aria-label", `Why ${label}?`);
  button.addEventListener("click", () => askWhy(label));
  return button;
}
