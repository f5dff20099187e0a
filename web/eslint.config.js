// The strictest sets of rules that know types; each exception has its reason beside it.
import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import hooks from "eslint-plugin-react-hooks";
import { configs } from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "build/", "test-results/", "playwright-report/", "src/api/contract.d.ts"] },
  js.configs.recommended,
  configs.strictTypeChecked,
  configs.stylisticTypeChecked,
  hooks.configs.flat.recommended,
  { languageOptions: { parserOptions: { projectService: { allowDefaultProject: ["eslint.config.js"] } } } },
  { files: ["e2e/**"], rules: { "react-hooks/rules-of-hooks": "off" } }, // Playwright's fixtures are given by a function `use`
  {
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }], // numbers read well in sentences
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
      "no-console": "error",
      eqeqeq: "error",
    },
  },
);
