// Puts `name.gz` beside every built text file that gains by it: the server sends it as it is.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

const built = new URL("../../gateway/console/", import.meta.url).pathname;
let total = 0;
for (const entry of readdirSync(built, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(js|css|html|svg|json)$/.test(entry.name)) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const content = readFileSync(file);
  const packed = gzipSync(content, { level: constants.Z_BEST_COMPRESSION });
  if (packed.length < content.length) writeFileSync(`${file}.gz`, packed);
  total += Math.min(packed.length, content.length);
}
console.log(`${(total / 1024).toFixed(1)} KiB in all, compressed`);
