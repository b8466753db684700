// Types of imports that end in directives, for all bundlers alike:
//
//   /// <reference types="upres/vite/client" />     or     "types": ["upres/vite/client"] in tsconfig.json
//
// TypeScript allows one `*` in the name of a module, so these are the plain factors, and whatever ends in `&as=…`: put `as` last,
// and give `&as=url` where other directives come after the factor. What is no directive fails in the build, not here.

declare module '*?upscale=1.5' {
  const url: string;
  export default url;
}

declare module '*?upscale=2' {
  const url: string;
  export default url;
}

declare module '*?upscale=3' {
  const url: string;
  export default url;
}

declare module '*?upscale=4' {
  const url: string;
  export default url;
}

declare module '*&as=url' {
  const url: string;
  export default url;
}

declare module '*&as=srcset' {
  /** `/a.png 1x, /a@2x.png 2x` */
  const srcset: string;
  export default srcset;
}

declare module '*&as=img' {
  /** Attributes of an `<img>`. */
  const img: {
    /** For browsers that don't know `srcset`. */
    readonly src: string;
    readonly srcset: string;
    /** CSS pixels of the layout. */
    readonly width: number;
    readonly height: number;
  };
  export default img;
}

declare module '*&as=picture' {
  /** A `<picture>`: its `<source>`s, best first, and its `<img>`. */
  const picture: {
    readonly sources: readonly {
      readonly srcset: string;
      /** As in `image/webp`. */
      readonly type: string;
    }[];
    readonly img: {
      readonly src: string;
      readonly srcset: string;
      /** CSS pixels of the layout. */
      readonly width: number;
      readonly height: number;
    };
  };
  export default picture;
}

declare module '*&as=metadata' {
  const metadata: {
    readonly src: string;
    /** Pixels of the file. */
    readonly width: number;
    readonly height: number;
    /** CSS pixels of the layout. */
    readonly displayWidth: number;
    readonly displayHeight: number;
    readonly format: 'png' | 'jpeg' | 'webp' | 'avif' | 'gif' | 'tiff';
  };
  export default metadata;
}
