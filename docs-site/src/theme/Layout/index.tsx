/**
 * Layout: the theme's own; the search page gets the `main` that its plugin forgets, without which a
 * screen reader cannot jump to it.
 */
import { useLocation } from "@docusaurus/router";
import type { Props } from "@theme/Layout";
import Layout from "@theme-original/Layout";
import type { ReactNode } from "react";

export default function LayoutWithMain({ children, ...props }: Props): ReactNode {
  const isSearch = useLocation().pathname.startsWith("/search/");
  return <Layout {...props}>{isSearch ? <main>{children}</main> : children}</Layout>;
}
