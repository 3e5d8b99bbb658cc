const TITLE_SEPARATOR = "\n"; // As schema/text.py joins them.
const SLOW_AFTER_MS = 4000;
const GIVE_UP_AFTER_MS = 60000;
const ASK_AGAIN_AFTER_MS = 2000;
const EXAMPLE = {
  title: "Counting Migrating Birds in Weather Radar with Few Labels",
  abstract: "Weather radars see millions of birds cross the night sky, but telling birds from rain " +
    "still takes an expert. We present NightFlock, a convolutional neural network that segments " +
    "radar images and needs only forty annotated scans. The network is first trained without " +
    "labels to predict the next sweep of the antenna, and then fine-tuned with a loss that " +
    "respects the geometry of the beam. On scans from six stations it finds 91% of the area that " +
    "experts marked, nine points more than a network trained from scratch, and it keeps its " +
    "accuracy on stations it has never seen. Code and annotations are public.",
};
// The server writes them in the words of the model.
const EMPTY = {summary: $("summary").textContent, submit: $("submit-label").textContent};

let request = null; // The AbortController of the running request.

// ---- Display ----
function element(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

function percent(score) {
  const share = 100 * score;
  if (share > 0 && share < 0.1) return "<0.1%";
  if (share < 100 && share >= 99.95) return ">99.9%";
  return `${share.toFixed(1)}%`;
}

function showState(version) {
  $("state").className = version ? "ready" : "";
  $("state").textContent = version ? `version ${version}, ready` : "not ready";
}

function showError(message) {
  $("error").hidden = !message;
  $("error").textContent = message;
}

function showLabels({text, version, rows, knownShare}, milliseconds) {
  answered = {text, version};
  $("why").hidden = true;
  $("labels").replaceChildren(...rows.map(({label, score, suggested}, i) => {
    const row = element("div", "row", element("span", "rank", `${i + 1}`), element("span", "name", label));
    if (Object.hasOwn(labelNames, label)) row.append(element("span", "small muted", labelNames[label]));
    if (suggested) row.append(element("span", "badge", "✓ suggested"));
    const why = explains && knownShare !== 0 ? [" ", whyButton(label)] : [];
    row.append(element("span", "end", element("span", "share", percent(score)), ...why));
    const fill = element("div", "fill");
    fill.style.width = `${100 * Math.min(1, Math.max(0, score))}%`;
    const bar = element("div", "bar", fill);
    bar.setAttribute("aria-hidden", "true");
    return element("li", suggested ? "suggested" : "", row, bar);
  }));
  const over = rows.filter((row) => row.suggested).map((row) => row.label);
  $("summary").textContent = !rows.length ? "The model returned no labels."
    : knownShare === 0 ? "No word of this text is known to the model, so it suggests nothing."
    : over.length ? `Suggested: ${over.join(", ")}.`
    : `No label reaches the model’s threshold; the closest is ${rows[0].label}.`;
  $("answered").textContent = `Answered by ${model}, version ${version}, in ${Math.round(milliseconds)} ms.`;
}

function clearResults() {
  $("labels").replaceChildren();
  $("why").hidden = true;
  $("summary").textContent = EMPTY.summary;
  $("answered").textContent = "";
  $("empty").hidden = true;
  $("abstract").removeAttribute("aria-invalid");
  showError("");
}

function setWaiting(waiting) {
  $("submit").setAttribute("aria-disabled", String(waiting));
  $("submit-label").textContent = waiting ? "Asking the model…" : EMPTY.submit;
  $("spinner").hidden = !waiting;
  $("clear").textContent = waiting ? "Stop" : "Clear";
  $("results").setAttribute("aria-busy", String(waiting));
  $("labels").classList.toggle("old", waiting);
}

function showSignatures(signatures) {
  const describe = (tensors) => Object.entries(tensors ?? {}).map(([key, tensor]) => {
    const shape = tensor.tensor_shape ?? {};
    const sizes = shape.unknown_rank ? ", any shape" : ` [${(shape.dim ?? []).map((dim) => (dim.size === "-1" ? "n" : dim.size)).join(", ")}]`;
    return element("div", "", `${key}: ${(tensor.dtype ?? "").replace("DT_", "").toLowerCase()}${sizes}`);
  });
  $("signature-rows").replaceChildren(...Object.entries(signatures).sort().map(([key, signature]) =>
    element("tr", "", element("td", "", key), element("td", "", signature.method_name ?? ""),
      element("td", "", ...describe(signature.inputs)), element("td", "", ...describe(signature.outputs)))));
  for (const id of ["form", "results", "why", "footnote", "intro"]) $(id).hidden = true;
  $("signatures").hidden = false;
  document.querySelector("h1").textContent = document.title = "Model server";
}

// ---- Actions ----
async function submit() {
  if (request) return;
  const [title, abstract] = [$("title").value, $("abstract").value];
  const empty = !(title + abstract).trim();
  $("empty").hidden = !empty;
  $("abstract").setAttribute("aria-invalid", String(empty));
  if (empty) return $("abstract").focus();

  request = new AbortController();
  const slow = setTimeout(() => { $("summary").textContent = "The server is slow to respond. Still waiting…"; }, SLOW_AFTER_MS);
  const giveUp = setTimeout(() => request.abort("late"), GIVE_UP_AFTER_MS);
  const start = performance.now();
  showError("");
  setWaiting(true);
  $("summary").textContent = "Asking the model…";
  try {
    const answer = await suggest(title ? title + TITLE_SEPARATOR + abstract : abstract, request.signal);
    showLabels(answer, performance.now() - start);
    showState(answer.version);
  } catch (error) {
    clearResults();
    if (request.signal.reason === "stopped") {
      $("summary").textContent = "Stopped. Your text is still here.";
    } else {
      $("summary").textContent = "";
      if (error instanceof ServerError && !error.status) showState(null);
      const said = request.signal.reason === "late"
        ? `The server did not answer within ${GIVE_UP_AFTER_MS / 1000} seconds.`
        : error instanceof ServerError ? error.message : `Unexpected answer from the server: ${error.message}.`;
      showError(`${said} Your text is still here.`);
    }
  } finally {
    clearTimeout(slow);
    clearTimeout(giveUp);
    request = null;
    setWaiting(false);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    $("results").scrollIntoView({block: "nearest", behavior: calm ? "auto" : "smooth"});
  }
}

// Replaces the text in the fields, and offers to undo that.
function replaceText(title, abstract, what) {
  const old = [$("title").value, $("abstract").value];
  [$("title").value, $("abstract").value] = [title, abstract];
  clearResults();
  $("replaced").replaceChildren();
  if (!old.join("").trim() || (old[0] === title && old[1] === abstract)) return;
  const undo = element("button", "link", "Undo");
  undo.type = "button";
  undo.addEventListener("click", () => {
    replaceText(...old, "Restored.");
    $($("title").hidden ? "abstract" : "title").focus();
  });
  $("replaced").append(`${what} `, undo);
}

function clearOrStop() {
  if (request) return request.abort("stopped");
  replaceText("", "", "Cleared.");
  $($("title").hidden ? "abstract" : "title").focus();
}

// ---- Start ----
let again = null; // The timer of the next try.

async function start() {
  clearTimeout(again);
  try {
    const version = await chosenVersion();
    const {metadata} = await call(`${base}/versions/${version}/metadata`);
    const signatures = metadata.signature_def.signature_def;
    const byDefault = signatures.serving_default;
    const {text, ...others} = byDefault?.inputs ?? {};
    const takesText = text?.dtype === "DT_STRING" && !Object.keys(others).length;
    $("problem").hidden = true;
    showState(version);
    if (!(takesText && byDefault.outputs?.labels && byDefault.outputs?.scores)) showSignatures(signatures);
    $("legend").hidden = !byDefault?.outputs?.suggested;
    explains = Boolean(signatures.explain?.outputs?.contributions);
  } catch (error) {
    showState(null);
    const said = error instanceof ServerError ? error.message : `Unexpected metadata of the model: ${error.message}.`;
    if ($("problem").textContent !== said) $("problem").textContent = said;
    $("problem").hidden = false;
    again = setTimeout(start, ASK_AGAIN_AFTER_MS);
  }
}

$("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
$("clear").addEventListener("click", clearOrStop);
$("example").addEventListener("click", () => {
  if (request) return;
  replaceText(EXAMPLE.title, EXAMPLE.abstract, "Replaced by an example.");
  submit();
});
$("version").addEventListener("change", () => {
  request?.abort("stopped");
  clearResults();
  start();
});
document.addEventListener("keydown", (event) => {
  if (event.isComposing || $("form").hidden) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
  // There it closes the list.
  if (event.key === "Escape" && event.target !== $("version")) clearOrStop();
});
if (model === null) {
  $("problem").textContent = "There is no model to ask. Open this page on a server that serves one.";
  $("problem").hidden = false;
  showState(null);
} else {
  $("name").textContent = model;
  start();
}
