'use client';

import Image from 'next/image';
import photo from '../images/photo.png?upscale=2';
import url from '../images/photo.png?upscale=4&as=url';

export default function Client() {
  return (
    <>
      <Image data-wants="240x160" alt="" src={photo} unoptimized />
      <img data-wants="480x320" alt="" src={url} />
    </>
  );
}
