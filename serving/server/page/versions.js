
// ---- The choice of a version ----
// A value of the choice is the path of a version below the model's; none is the newest version.
const labelsOfVersions = Object.keys(JSON.parse($("version-labels").textContent)).sort().reverse();

// The versions that are loaded, the newest first.
async function availableVersions(signal) {
  const versions = (await call(base, undefined, signal)).model_version_status ?? [];
  const available = versions.filter((one) => one.state === "AVAILABLE").map((one) => one.version);
  if (available.length) return available.sort((a, b) => (BigInt(a) < BigInt(b) ? 1 : -1));
  const broken = versions.find((one) => one.status?.error_message);
  throw new ServerError(broken
    ? `No version of the model could be loaded. It said: “${broken.status.error_message}”`
    : "The model is not loaded yet; try again in a moment.", 503);
}

function showVersions(available) {
  const choice = $("version");
  const chosen = choice.options.length ? choice.value : labelsOfVersions.includes("stable") ? "/labels/stable" : "";
  const options = [
    ...labelsOfVersions.map((label) => [`${label} (label)`, `/labels/${encodeURIComponent(label)}`]),
    ["newest", ""],
    ...available.map((version) => [version, `/versions/${version}`]),
  ];
  // A version that was unloaded stays chosen, so that no other one answers unnoticed.
  if (!options.some(([, path]) => path === chosen)) options.push([`${chosen.split("/").pop()} (unloaded)`, chosen]);
  choice.replaceChildren(...options.map(([text, path]) => new Option(text, path, false, path === chosen)));
  $("choice").hidden = options.length < 3;
}

// The number of the version that is chosen.
async function chosenVersion(signal) {
  const available = await availableVersions(signal);
  showVersions(available);
  const [, kind, version] = $("version").value.split("/");
  if (kind !== "labels") return version ?? available[0];
  return (await call(`${base}${$("version").value}/metadata`, undefined, signal)).model_spec.version;
}
