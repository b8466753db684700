import upres from 'upres/next';

export default upres({ model: 'art', presets: { both: 'upscale=1;2&as=srcset' } })({ reactStrictMode: true });
