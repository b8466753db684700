/** Gatsby's development server asks for it with every page. */
export default function NotFound() {
  return null;
}
