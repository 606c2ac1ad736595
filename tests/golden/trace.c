/* A two-layer net (relu, identity, mean squared error) trained by Adam in C, which records its run.

   cc -O2 trace.c -o trace -lm && ./trace run.safetensors
   -DEPSILON_INSIDE and -DMEAN_BIAS plant a mistake. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NX = 3, NH = 5, NY = 2, M = 7, STEPS = 12, ROOM = 1 << 20 };
static const double LR = 0.01, BETA1 = 0.9, BETA2 = 0.999, EPS = 1e-8;

static char header[ROOM], data[ROOM];
static size_t filled, used;

static void put(int step, const char *name, const char *type, int rows, int columns, const void *x) {
    size_t size = 8 * (size_t)(rows ? rows * columns : 1);
    char shape[32] = "", place[32] = "initial";
    if (rows) sprintf(shape, "%d,%d", rows, columns);
    if (step >= 0) sprintf(place, "step/%d", step);
    filled += sprintf(header + filled, ",\"%s/%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                      place, name, type, shape, used, used + size);
    memcpy(data + used, x, size);
    used += size;
}

static void save(const char *path) {
    FILE *file = fopen(path, "wb");
    while (filled % 8 != 7) header[filled++] = ' ';
    header[filled++] = '}';
    uint64_t length = filled; /* little-endian, as on every machine this is likely to run on */
    fwrite(&length, 8, 1, file);
    fwrite(header, 1, filled, file);
    fwrite(data, 1, used, file);
    fclose(file);
}

static double uniform(void) { /* in (-1, 1) */
    static uint32_t x = 2463534242u;
    x ^= x << 13, x ^= x >> 17, x ^= x << 5;
    return x / 2147483648.0 - 1.0;
}

static double X[NX][M], Y[NY][M], W1[NH][NX], b1[NH], W2[NY][NH], b2[NY];
static double Z1[NH][M], A1[NH][M], Z2[NY][M], dZ2[NY][M], dA1[NH][M], dZ1[NH][M];
static double dW1[NH][NX], db1[NH], dW2[NY][NH], db2[NY], moments[2][4][NH * NX];

static double forward(void) {
    double loss = 0;
    for (int j = 0; j < M; j++) {
        for (int i = 0; i < NH; i++) {
            Z1[i][j] = b1[i];
            for (int k = 0; k < NX; k++) Z1[i][j] += W1[i][k] * X[k][j];
            A1[i][j] = Z1[i][j] > 0 ? Z1[i][j] : 0;
        }
        for (int i = 0; i < NY; i++) {
            Z2[i][j] = b2[i];
            for (int k = 0; k < NH; k++) Z2[i][j] += W2[i][k] * A1[k][j];
            loss += (Z2[i][j] - Y[i][j]) * (Z2[i][j] - Y[i][j]) / (NY * M);
        }
    }
    return loss;
}

static void backward(void) {
    memset(dW1, 0, sizeof dW1), memset(db1, 0, sizeof db1);
    memset(dW2, 0, sizeof dW2), memset(db2, 0, sizeof db2);
    for (int j = 0; j < M; j++) {
        for (int i = 0; i < NY; i++) {
            dZ2[i][j] = 2 * (Z2[i][j] - Y[i][j]) / (NY * M);
#ifdef MEAN_BIAS
            db2[i] += dZ2[i][j] / M;
#else
            db2[i] += dZ2[i][j];
#endif
            for (int k = 0; k < NH; k++) dW2[i][k] += dZ2[i][j] * A1[k][j];
        }
        for (int i = 0; i < NH; i++) {
            dA1[i][j] = 0;
            for (int k = 0; k < NY; k++) dA1[i][j] += W2[k][i] * dZ2[k][j];
            dZ1[i][j] = Z1[i][j] > 0 ? dA1[i][j] : 0;
            db1[i] += dZ1[i][j];
            for (int k = 0; k < NX; k++) dW1[i][k] += dZ1[i][j] * X[k][j];
        }
    }
}

static void adam(int64_t t, double *w, const double *g, double *m, double *v, int n) {
    for (int i = 0; i < n; i++) {
        m[i] = BETA1 * m[i] + (1 - BETA1) * g[i];
        v[i] = BETA2 * v[i] + (1 - BETA2) * g[i] * g[i];
        double mhat = m[i] / (1 - pow(BETA1, t)), vhat = v[i] / (1 - pow(BETA2, t));
#ifdef EPSILON_INSIDE
        w[i] -= LR * mhat / sqrt(vhat + EPS);
#else
        w[i] -= LR * mhat / (sqrt(vhat) + EPS);
#endif
    }
}

int main(int count, char **arguments) {
    double *parameters[] = {&W1[0][0], b1, &W2[0][0], b2};
    double *gradients[] = {&dW1[0][0], db1, &dW2[0][0], db2};
    const char *names[] = {"W1", "b1", "W2", "b2"};
    int rows[] = {NH, NH, NY, NY}, columns[] = {NX, 1, NH, 1};
    if (count != 2) return fprintf(stderr, "usage: trace FILE.safetensors\n"), 2;
    filled = sprintf(header,
        "{\"__metadata__\":{\"format\":\"parity-trace/1\",\"layout\":\"columns\",\"dtype\":\"float64\","
        "\"steps\":\"%d\",\"program\":\"trace.c\",\"configuration\":\"{"
        "\\\"activations\\\":[\\\"relu\\\",\\\"identity\\\"],\\\"loss\\\":\\\"mse\\\",\\\"optimizer\\\":\\\"adam\\\","
        "\\\"options\\\":{\\\"lr\\\":%g,\\\"betas\\\":[%g,%g],\\\"eps\\\":%g}}\"}",
        STEPS, LR, BETA1, BETA2, EPS);
    for (int i = 0; i < NX * M; i++) (&X[0][0])[i] = uniform();
    for (int i = 0; i < NY * M; i++) (&Y[0][0])[i] = uniform();
    for (int p = 0; p < 4; p++) {
        for (int i = 0; i < rows[p] * columns[p]; i++) parameters[p][i] = uniform() / 2;
        put(-1, names[p], "F64", rows[p], columns[p], parameters[p]);
    }
    put(0, "X", "F64", NX, M, X), put(0, "Y", "F64", NY, M, Y); /* the same at every step */
    for (int step = 0; step < STEPS; step++) {
        int64_t t = step + 1;
        double loss = forward();
        backward();
        put(step, "Z1", "F64", NH, M, Z1), put(step, "A1", "F64", NH, M, A1);
        put(step, "Z2", "F64", NY, M, Z2), put(step, "loss", "F64", 0, 0, &loss);
        put(step, "dZ2", "F64", NY, M, dZ2), put(step, "dA1", "F64", NH, M, dA1);
        put(step, "dZ1", "F64", NH, M, dZ1);
        for (int p = 0; p < 4; p++) {
            int n = rows[p] * columns[p];
            char slot[8];
            sprintf(slot, "d%s", names[p]), put(step, slot, "F64", rows[p], columns[p], gradients[p]);
            adam(t, parameters[p], gradients[p], moments[0][p], moments[1][p], n);
            sprintf(slot, "t.%s", names[p]), put(step, slot, "I64", 0, 0, &t);
            sprintf(slot, "m.%s", names[p]), put(step, slot, "F64", rows[p], columns[p], moments[0][p]);
            sprintf(slot, "v.%s", names[p]), put(step, slot, "F64", rows[p], columns[p], moments[1][p]);
            put(step, names[p], "F64", rows[p], columns[p], parameters[p]);
        }
    }
    save(arguments[1]);
    return 0;
}
