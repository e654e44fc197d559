// Bundles the page into ../static, as it is committed and shipped. Needs Chromium once: see "plans" below.
//
// regl, the library under the scatterplot, writes JavaScript at run time and compiles it with Function. The
// page runs under `default-src 'self'`, which forbids that. What regl writes depends on the drawing commands
// alone (the number of vertex attributes is held at 8, the least that WebGL gives), so a first bundle that
// may compile draws once in Chromium and records what was written ("plans"); the second has it built in.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static");
const CHROMIUM = process.env.CHROMIUM ?? "chromium";

// Exactly one place each, so that a new version of a library cannot slip past.
function replaced(text, was, now) {
  if (text.split(was).length !== 2) throw new Error(`wanted once: ${was}`);
  return text.replace(was, () => now);
}

// plans: what regl wrote, as a module; none while it is recorded.
const strict = (plans) => ({
  name: "strict",
  setup(made) {
    made.onResolve({ filter: /^plans$/ }, () => ({ path: "plans", namespace: "recorded" }));
    made.onLoad({ filter: /.*/, namespace: "recorded" }, () => ({ contents: plans ?? "export const plans = {};" }));
    made.onResolve({ filter: /^regl$/ }, () => ({ path: join(here, "node_modules", "regl", "dist", "regl.unchecked.js") }));
    made.onLoad({ filter: /regl\.unchecked\.js$/ }, ({ path }) => {
      let text = readFileSync(path, "utf8");
      text = replaced(text, "maxAttributes: gl.getParameter(GL_MAX_VERTEX_ATTRIBS)", "maxAttributes: 8");
      const compile = plans === null ? "recordPlan(linkedNames, src)" : "planOf(linkedNames, src)";
      text = replaced(text, "var proc = Function.apply(null, linkedNames.concat(src))", `var proc = ${compile}`);
      return { contents: `import { recordPlan, planOf } from ${JSON.stringify(join(here, "src", "compiled.js"))};\n${asModule(text)}` };
    });
    made.onLoad({ filter: /regl-scatterplot\.esm\.js$/ }, ({ path }) => {
      const was = `    const lassoStyleEl = document.createElement('style');
    document.head.appendChild(lassoStyleEl);
    cachedLassoStylesheets = lassoStyleEl.sheet;`;
      const now = `    cachedLassoStylesheets = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, cachedLassoStylesheets];`;
      return { contents: replaced(readFileSync(path, "utf8"), was, now) };
    });
  },
});

// regl's bundle gives itself to whatever module system it finds; ours is the one of the language.
function asModule(text) {
  const shell = /^\(function \(global, factory\) \{[\s\S]*?\}\(this, \(function \(\) \{/;
  if (!shell.test(text)) throw new Error("regl's bundle does not begin as expected");
  return `export default (${text.replace(shell, "(function () {").replace(/\}\)\)\);\s*(\/\/# sourceMappingURL.*)?\s*$/, "})")})();`;
}

const bundle = (entry, target, plans) =>
  build({
    entryPoints: [join(here, "src", entry)],
    outfile: target,
    bundle: true,
    minify: plans !== null,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    plugins: [strict(plans)],
    logLevel: "warning",
  });

async function recorded() {
  const folder = mkdtempSync(join(tmpdir(), "cowalk-page-"));
  try {
    await bundle("record.js", join(folder, "record.js"), null);
    writeFileSync(join(folder, "record.html"), `<!doctype html><body><script type="module">${readFileSync(join(folder, "record.js"), "utf8").replaceAll("</script", "<\\/script")}</script>`);
    const options = ["--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--user-data-dir=${join(folder, "profile")}`, "--timeout=60000", "--virtual-time-budget=30000", "--dump-dom"];
    const dom = execFileSync(CHROMIUM, [...options, pathToFileURL(join(folder, "record.html")).href], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 26 });
    const found = /<pre id="plans">([\s\S]*?)<\/pre>/.exec(dom);
    if (!found) throw new Error("Chromium drew nothing; set CHROMIUM to its path");
    return Buffer.from(found[1], "base64").toString("utf8");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// The digest of all sources, which a test compares with the one that was built.
export function digestOf() {
  const paths = ["build.mjs", "icon.svg", "index.html", "package-lock.json", "package.json", ...readdirSync(join(here, "src")).map((name) => `src/${name}`)];
  const sum = createHash("sha256");
  for (const path of paths.sort()) sum.update(`${path}\0`).update(readFileSync(join(here, path))).update("\0");
  return sum.digest("hex");
}

function licences() {
  const root = join(here, "node_modules");
  const names = ["regl-scatterplot", "regl", "regl-line", "dom-2d-camera", "camera-2d-simple", "gl-matrix", "pub-sub-es", "earcut", "@flekschas/utils"];
  return names
    .map((name) => {
      const told = JSON.parse(readFileSync(join(root, name, "package.json"), "utf8"));
      const file = readdirSync(join(root, name)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? readFileSync(join(root, name, file), "utf8").trim() : `Licence: ${told.license} (the package holds no text of it)`;
      return `${told.name} ${told.version}\n\n${text}\n`;
    })
    .join(`\n${"-".repeat(78)}\n\n`);
}

mkdirSync(out, { recursive: true });
await bundle("main.js", join(out, "page.js"), await recorded());
await build({ entryPoints: [join(here, "src", "page.css")], outfile: join(out, "page.css"), minify: true, logLevel: "warning" });
for (const name of ["index.html", "icon.svg"]) writeFileSync(join(out, name), readFileSync(join(here, name)));
writeFileSync(join(out, "LICENCES.txt"), licences());
writeFileSync(join(out, "built-from.txt"), `${digestOf()}\n`);
