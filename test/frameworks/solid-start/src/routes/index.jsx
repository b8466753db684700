import { createSignal, For, onMount } from 'solid-js';
import './photo.css';
import url from '../photo.png?upscale=2';
import srcset from '../set.png?upscale=1;2&as=srcset';
import image from '../set.jpg?upscale=1;2&as=img';
import picture from '../set.jpg?upscale=1;2&format=webp;jpeg&as=picture';

export default function Home() {
  const [made, setMade] = createSignal(url);
  onMount(() => setMade(new URL('../photo.png?upscale=2', import.meta.url).href));
  return (
    <>
      <img id="import" data-wants="240x160" src={url} alt="" />
      <img id="srcset" data-wants="120x80 240x160" srcset={srcset} alt="" />
      <img id="img" data-wants="120x80 240x160" {...image} alt="" />
      <picture id="picture" data-wants="120x80 240x160">
        <For each={picture.sources}>{(source) => <source {...source} />}</For>
        <img {...picture.img} alt="" />
      </picture>
      <img id="new-url" data-wants="240x160" src={made()} alt="" />
      <p id="css" data-wants="240x160"></p>
      <p id="css-srcset" data-wants="120x80 240x160"></p>
      <p id="css-file" data-wants="240x160"></p>
    </>
  );
}
