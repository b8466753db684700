import Image from 'next/image';
import car from '../../images/clipart-car.png?upscale=2'; // for next/image: { src, width, height, blurDataURL }
import rocket from '../../images/rocket.jpg?upscale=1;2&as=img'; // for <img>: { src, srcset, width, height }

export default function Page() {
  return (
    <main>
      <h1>upres in Next.js</h1>
      {/* 160 CSS pixels wide; Next reduces the enlarged picture for each display, and never has to stretch the small one. */}
      <Image src={car} width={car.width / 2} height={car.height / 2} placeholder="blur" alt="A green car" />
      <img {...{ srcSet: rocket.srcset, src: rocket.src, width: rocket.width, height: rocket.height }} alt="A rocket" />
      <div className="sailing" role="img" aria-label="A sailing boat" />
    </main>
  );
}
