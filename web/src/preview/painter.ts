// A photo developed onto a canvas: by the GPU where there is one, else by the processor; both from the same tables.
import { IDENTITY, LEVELS, type Development } from "./curves";
import type { Reduced } from "./reduced";

export interface Painter {
  readonly how: "gpu" | "cpu";
  draw(development: Development): void;
  close(): void;
}

const VERTEX = `#version 300 es
void main() {
  gl_Position = vec4(2.0 * vec2(gl_VertexID & 1, gl_VertexID >> 1) - 1.0, 0.0, 1.0);
}`;
const FRAGMENT = `#version 300 es
precision highp float;
precision highp usampler2D;
uniform usampler2D photo;
uniform sampler2D gained;
uniform sampler2D tone;
uniform mat3 blend;
uniform float top;
uniform int height;
out vec4 colour;
float looked(float value) {
  int last = textureSize(tone, 0).x - 1;
  float place = clamp(value / top, 0.0, 1.0) * float(last);
  int below = min(int(place), last - 1);
  return mix(texelFetch(tone, ivec2(below, 0), 0).r, texelFetch(tone, ivec2(below + 1, 0), 0).r, place - float(below)) / 255.0;
}
void main() {
  ivec2 place = ivec2(gl_FragCoord.xy);
  ivec3 codes = ivec3(texelFetch(photo, ivec2(place.x, height - 1 - place.y), 0).rgb);
  vec3 light = vec3(
    texelFetch(gained, ivec2(codes.r, 0), 0).r,
    texelFetch(gained, ivec2(codes.g, 1), 0).r,
    texelFetch(gained, ivec2(codes.b, 2), 0).r);
  vec3 mixed = blend * light;
  colour = vec4(looked(mixed.r), looked(mixed.g), looked(mixed.b), 1.0);
}`;

const ASKED: WebGLContextAttributes = { antialias: false, alpha: false, failIfMajorPerformanceCaveat: true };
const SOFTWARE = /swiftshader|llvmpipe|software|basic render/i;

/** Whether a GPU draws here; what only pretends to be one is slower than we are. Costs a moment the first time. */
export function hasGpu(): boolean {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2", ASKED);
  if (!gl) return false;
  const details = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(details ? details.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !SOFTWARE.test(name);
}

/** The canvas takes the photo's size. Throws when the browser gives no canvas at all. */
export function painter(canvas: OffscreenCanvas, photo: Reduced, gpu: boolean): Painter {
  canvas.width = photo.width;
  canvas.height = photo.height;
  const gl = gpu ? canvas.getContext("webgl2", ASKED) : null;
  return gl ? onGpu(gl, photo) : onCpu(canvas, photo);
}

function onGpu(gl: WebGL2RenderingContext, photo: Reduced): Painter {
  const program = gl.createProgram();
  for (const [type, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("no shader");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  gl.useProgram(program);
  const place = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(program, name);
  const units = { photo: 0, gained: 1, tone: 2 };
  for (const [name, unit] of Object.entries(units)) {
    gl.uniform1i(place(name), unit);
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
  }
  gl.uniform1i(place("height"), photo.height);
  gl.activeTexture(gl.TEXTURE0 + units.photo);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA16UI, photo.width, photo.height, 0, gl.RGBA_INTEGER, gl.UNSIGNED_SHORT, photo.codes);
  const [top, blend] = [place("top"), place("blend")];
  const table = (unit: number, width: number, height: number, values: Float32Array): void => {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R32F, width, height, 0, gl.RED, gl.FLOAT, values);
  };
  return {
    how: "gpu",
    draw(development) {
      table(units.gained, LEVELS, 3, development.gained);
      table(units.tone, development.tone.length, 1, development.tone);
      gl.uniform1f(top, development.top);
      gl.uniformMatrix3fv(blend, true, (development.blend ?? IDENTITY).flat());
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
    close() {
      gl.getExtension("WEBGL_lose_context")?.loseContext();
    },
  };
}

function onCpu(canvas: OffscreenCanvas, photo: Reduced): Painter {
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  const drawn = new ImageData(photo.width, photo.height);
  return {
    how: "cpu",
    draw(development) {
      development.develop(photo.codes, drawn.data);
      context.putImageData(drawn, 0, 0);
    },
    close() {
      drawn.data.fill(0);
    },
  };
}
