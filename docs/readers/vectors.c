/* Check a textbook sigmoid cross entropy in float32 with the reference values.
   cc vectors.c -o vectors -lm && ./vectors sigmoid.csv */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float textbook(float x, float z) {
    return fmaxf(x, 0.0f) - x * z + log1pf(expf(-fabsf(x)));
}

int main(int count, char **names) {
    FILE *file = count == 2 ? fopen(names[1], "r") : NULL;
    if (file == NULL) return fprintf(stderr, "the path of sigmoid.csv, please\n"), 2;
    char line[4096], *cell[10];
    int points = 0, beyond = 0;
    double worst = 0.0, at = 0.0;
    while (fgets(line, sizeof line, file)) {
        int cells = 0;
        for (char *c = strtok(line, ",\n"); c && cells < 10; c = strtok(NULL, ",\n")) cell[cells++] = c;
        if (cells < 10 || strcmp(cell[0], "float32")) continue; /* a comment, or another dtype */
        double x = strtod(cell[2], NULL), z = strtod(cell[3], NULL), exact = strtod(cell[7], NULL);
        int plain = strtod(cell[4], NULL) == 0.0 && strtod(cell[5], NULL) == 1.0 && strtod(cell[6], NULL) == 1.0;
        if (!plain || !isfinite(exact)) continue;
        int exponent;
        frexp(exact, &exponent); /* exact = m * 2^exponent, 0.5 <= m < 1 */
        double ulp = ldexp(1.0, exact != 0.0 && exponent - 24 > -149 ? exponent - 24 : -149);
        double error = fabs((double)textbook((float)x, (float)z) - exact) / ulp;
        points++, beyond += !(error <= 4.0); /* NaN, too */
        if (error > worst) worst = error, at = x;
    }
    printf("%d losses, %d off by more than 4 ulp, worst %.6g at x = %a\n", points, beyond, worst, at);
    return points == 0 ? 2 : beyond > 0;
}
