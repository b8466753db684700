import srcset from '../images/hero.jpg?upscale=1;3&as=srcset';

// As Laravel has it, so that Vite::asset() finds pictures by these names.
const plain = import.meta.glob('../images/*.png', { eager: true, import: 'default' });
const large = import.meta.glob('../images/*', { query: '?upscale=2', eager: true, import: 'default' });

document.title = JSON.stringify([srcset, plain, large]);
document.querySelector('#import')?.setAttribute('srcset', srcset);
