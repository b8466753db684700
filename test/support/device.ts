/** Whether the tests run on the device `wasm`: `npm run test:wasm`. */
export const onWasm = process.env.UPRES_DEVICE === 'wasm';
