import { Links, Meta, Outlet, Scripts } from 'react-router';
import './style.css';
import linked from './linked.css?url';

export const links = () => [{ rel: 'stylesheet', href: linked }];

export default function Root() {
  return (
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <Meta />
        <Links />
      </head>
      <body>
        <Outlet />
        <Scripts />
      </body>
    </html>
  );
}
