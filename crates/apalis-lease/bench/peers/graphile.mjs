// Runs no-op jobs by graphile-worker and prints one JSON object: how many, in how many seconds from
// the first one's start until the table is empty, and this process' CPU seconds meanwhile.
// Arguments: connection string, jobs, "plain" or "batched".
import { makeWorkerUtils, run, Logger } from "graphile-worker";
import pg from "pg";

const [connectionString, count, how] = process.argv.slice(2);
const jobs = Number(count);
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
const pool = new pg.Pool({ connectionString });
await pool.query("delete from graphile_worker._private_jobs");
for (let from = 0; from < jobs; from += 1000) {
  const specs = Array.from({ length: Math.min(1000, jobs - from) }, () => ({ identifier: "noop" }));
  await utils.addJobs(specs);
}
await pool.query("vacuum analyze graphile_worker._private_jobs");

let begun = 0;
let startedAt = 0;
let cpu;
const batched = how === "batched";
const preset = {
  worker: {
    connectionString,
    concurrentJobs: 24,
    maxPoolSize: 10,
    pollInterval: 100,
    logger,
    ...(batched
      ? {
          localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
          completeJobBatchDelay: 0,
          failJobBatchDelay: 0,
        }
      : {}),
  },
};
const runner = await run({
  preset,
  taskList: {
    noop: () => {
      if (begun++ === 0) {
        startedAt = performance.now();
        cpu = process.cpuUsage();
      }
    },
  },
});
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, begun < jobs ? 20 : 2));
  if (begun < jobs) continue;
  const { rows } = await pool.query("select exists (select from graphile_worker._private_jobs) as left");
  if (!rows[0].left) break;
}
const seconds = (performance.now() - startedAt) / 1000;
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ jobs, seconds, cpu_s: (used.user + used.system) / 1e6 }));
await runner.stop();
await utils.release();
await pool.end();
process.exit(0);
