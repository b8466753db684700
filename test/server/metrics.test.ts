import { expect, test } from 'vitest';
import { ask, imageFile, metric, startServer, upscale } from './support/server.js';

test('/metrics tells what a server does', async () => {
  const server = await startServer();
  const image = await imageFile(20, 10);
  await upscale(server, image, '?upscale=3');
  await upscale(server, image, '?upscale=3');
  await upscale(server, 'nothing');
  await ask(server, '/no-one/knows?what=this');
  await ask(server, '/no-one/knows/either');
  const expected = {
    'upres_requests_total{route="/v1/upscale",method="POST",status="200"}': 2,
    'upres_requests_total{route="/v1/upscale",method="POST",status="415"}': 1,
    // Paths that are none share one name, or anybody could fill the memory with names.
    'upres_requests_total{route="none",method="any",status="404"}': 2,
    'upres_request_seconds_count{route="/v1/upscale"}': 3,
    'upres_cache_results_total{result="miss"}': 1,
    'upres_cache_results_total{result="hit"}': 1,
    upres_input_pixels_total: 200,
    upres_output_pixels_total: 1800,
    upres_inference_seconds_count: 1,
    upres_codec_seconds_count: 1,
    upres_threads: 2,
    upres_threads_busy: 0,
    upres_queue_requests: 0,
    upres_queue_pixels: 0,
    upres_held_bytes: 0,
  };
  for (const [name, value] of Object.entries(expected)) expect(await metric(server, name), name).toBe(value);
  for (const name of [
    'process_resident_memory_bytes',
    'nodejs_eventloop_lag_p99_seconds',
    'upres_inference_seconds_sum',
  ]) {
    expect(await metric(server, name), name).toBeGreaterThan(0);
  }
});

test('two servers of a process count each their own', async () => {
  const [one, other] = [await startServer(), await startServer()];
  await upscale(one, await imageFile(8, 8), '?model=nearest');
  expect(await metric(one, 'upres_cache_results_total{result="miss"}')).toBe(1);
  expect(await metric(other, 'upres_cache_results_total{result="miss"}')).toBe(0);
});
