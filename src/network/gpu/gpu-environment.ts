/** The environment of a process that computes on a graphics processor. */
export function gpuEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Flags of the host process (loaders, test runners) are not meant for ours.
    NODE_OPTIONS: undefined,
    ORT_DISABLE_TELEMETRY: '1',
    // NVIDIA's libraries would compute convolutions with 10 bits of fraction instead of 23.
    NVIDIA_TF32_OVERRIDE: '0',
  };
}
