"use strict";
// Asks the model server over REST.
const $ = (id) => document.getElementById(id);
// Null when the server serves no model.
const model = (() => {
  const embedded = $("model").textContent;
  return embedded.startsWith("__") ? null : JSON.parse(embedded);
})();
const labelNames = JSON.parse($("label-names").textContent);
const base = `v1/models/${encodeURIComponent(model)}`;

class ServerError extends Error {
  constructor(message, status) { super(message); this.status = status; } // HTTP, where one came.
}

const hints = {
  404: "The server is not serving this model right now.",
  413: "The text is too long for the server.",
  429: "The server is busy; try again in a moment.",
  503: "The server is busy or still loading the model; try again in a moment.",
  504: "The server took too long; try again in a moment.",
};

async function call(path, body, signal) {
  const options = body === undefined ? {} : {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
  };
  let response, answer;
  try {
    response = await fetch(path, {...options, signal, cache: "no-store"});
    answer = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ServerError("The server cannot be reached. Check that it is running, then try again.");
  }
  try {
    answer = JSON.parse(answer);
  } catch {
    throw new ServerError(`The server’s answer (HTTP status ${response.status}) is not JSON. Is this the address of the model server?`, response.status);
  }
  if (!response.ok) {
    const said = answer?.error ? `It said: “${answer.error}”` : "";
    const hint = hints[response.status] ?? "The server returned an error.";
    throw new ServerError(`${hint} ${said} (HTTP status ${response.status}).`, response.status);
  }
  return answer;
}

async function suggest(text, signal) {
  for (let attempt = 1; ; attempt++) {
    const version = await chosenVersion(signal);
    try {
      const {outputs} = await call(`${base}/versions/${version}:predict`, {inputs: {text: [text]}}, signal);
      const rows = outputs.labels[0].map((label, i) => (
        {label, score: outputs.scores[0][i], suggested: Boolean(outputs.suggested?.[0][i])}));
      return {text, version, rows, knownShare: outputs.known_share?.[0]};
    } catch (error) {
      // A newer version may have replaced this one since the status was read.
      if (error.status !== 404 || attempt === 2) throw error;
    }
  }
}

