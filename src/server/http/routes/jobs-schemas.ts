import { approximateOnly } from '../../../network/approximate.js';
import { Type, type Static } from 'typebox';
import { outputFormats } from '../../../image/codec/formats.js';
import { defined } from '../../../schema.js';
import { mediaTypeOf } from '../media-types.js';
import { jobStates, type Job, type JobImage, type JobState } from '../../jobs/job.js';
import type { JobProgress } from '../../jobs/job-progress.js';

const closed = { additionalProperties: false };
const Count = Type.Integer({ minimum: 0 });
const Side = Type.Integer({ minimum: 1 });
const Time = Type.String({ format: 'date-time' });
const Id = Type.String({ description: '128 random bits, in base64url.' });

const State = Type.Unsafe<JobState>({
  type: 'string',
  enum: jobStates,
  description:
    'Of a job: `queued` before anything was begun; `done` when all images have ended and at least one has a result; `failed` when none has.',
});

const Progress = Type.Object(
  {
    donePixels: Type.Integer({ minimum: 0, description: 'Pixels of the sources.' }),
    totalPixels: Count,
    secondsLeft: Type.Optional(
      Type.Integer({ minimum: 0, description: 'An estimate by the throughput so far; absent before there is one.' }),
    ),
    waitsFor: Type.Optional(
      Type.String({
        description: 'The code of what holds the job up and is likely to pass, such as `DISK_FULL`; it is tried again.',
      }),
    ),
  },
  closed,
);

const ResultBody = Type.Object(
  {
    width: Side,
    height: Side,
    frames: Side,
    format: Type.Unsafe<(typeof outputFormats)[number]>({ type: 'string', enum: outputFormats }),
    type: Type.String({ description: 'Its media type.' }),
    bytes: Count,
    model: Type.String(),
    device: Type.String({ description: 'What computed it.' }),
    machine: Type.Optional(
      Type.String({
        description:
          'The kind of machine that computed it, such as `x64 sse4_1 avx fma avx2`: others may differ in the last bit.',
      }),
    ),
    approximate: Type.Optional(
      Type.Literal(1, { description: 'Where the network looks too far for tiles that equal the whole.' }),
    ),
    approximateBy: Type.Optional(
      Type.Number({
        minimum: 0,
        description: 'How far they are from it at most, in levels of 255; where that was tried.',
      }),
    ),
    url: Type.String({ description: 'Where it is; absent results have expired.' }),
  },
  closed,
);

const ImageBody = Type.Object(
  {
    name: Type.Optional(Type.String({ description: 'The file’s name in the form.' })),
    state: State,
    pixels: Type.Integer({ minimum: 0, description: 'Of the source, all frames counted.' }),
    result: Type.Optional(ResultBody),
    results: Type.Optional(
      Type.Array(ResultBody, {
        description:
          'All files that the image became, sizes ascending and each in the order of the formats; `result` is the first.',
      }),
    ),
    problem: Type.Optional(
      Type.Object(
        { code: Type.String(), detail: Type.String() },
        { ...closed, description: 'Why there is no result.' },
      ),
    ),
  },
  closed,
);

const facts = {
  id: Id,
  state: State,
  created: Time,
  ended: Type.Optional(Time),
  expired: Type.Optional(Type.Literal(true, { description: 'The results were removed: their time was over.' })),
  progress: Progress,
};

/** A job as its client sees it. */
export const JobBody = Type.Object({ ...facts, images: Type.Array(ImageBody) }, { ...closed, description: 'The job.' });
export type JobBody = Static<typeof JobBody>;

/** A job in a list. */
const JobSummary = Type.Object({ ...facts, imageCount: Side }, closed);
export type JobSummary = Static<typeof JobSummary>;

export const JobList = Type.Object(
  { jobs: Type.Array(JobSummary), next: Type.Optional(Type.String({ description: 'What `before` continues with.' })) },
  { ...closed, description: 'Jobs of the client, newest first.' },
);

export const JobParams = Type.Object({ id: Id }, closed);
const Place = Type.String({ description: '0 for the first image.' });
export const ImageParams = Type.Object({ id: Id, place: Place }, closed);
export const ResultParams = Type.Object(
  { id: Id, place: Place, output: Type.String({ description: '0 for the first of its results.' }) },
  closed,
);

/** What a client sees of its job. */
export function jobBody(job: Job, progress: JobProgress): JobBody {
  return { ...factsOf(job, progress), images: job.images.map((image, place) => imageBody(job, image, place)) };
}

/** The same without its images. */
export function jobSummary(job: Job, progress: JobProgress): JobSummary {
  return { ...factsOf(job, progress), imageCount: job.images.length };
}

function factsOf({ id, state, created, ended, expired }: Job, progress: JobProgress): Omit<JobBody, 'images'> {
  return { id, state, created, ...(ended !== undefined && { ended }), ...(expired && { expired }), progress };
}

function imageBody(job: Job, image: JobImage, place: number): JobBody['images'][number] {
  const { name, state, pixels } = image;
  const known = { ...(name !== undefined && { name }), state, pixels };
  if (image.state === 'failed') {
    const { code, detail } = image.problem;
    return { ...known, problem: { code, detail } };
  }
  if (image.state !== 'done' || job.expired || job.state === 'cancelled') return known;
  const own = `/v1/jobs/${job.id}/images/${place}`;
  const results = image.results.map((result, output) => {
    const { width, height, frames, format, bytes, model, device, machine } = result;
    const url = image.results.length === 1 ? `${own}/result` : `${own}/results/${output}`;
    const facts = { width, height, frames, format, type: mediaTypeOf(format), bytes, model, device };
    return { ...facts, ...defined({ machine }), ...approximateOnly(result), url };
  });
  return { ...known, result: results[0]!, results };
}
