"""Numerical gradients of a model's parameters, to compare a backward pass with."""

from helpers.numpy_nn.gradcheck import numerical_gradient


def numerical_gradients(model, loss):
    """Yield (parameter, gradient of loss()) for every parameter of the model."""
    for parameter in model.parameters():
        original = parameter.data

        def loss_at(data, parameter=parameter):
            parameter.data = data
            return loss()

        gradient = numerical_gradient(loss_at, original)
        parameter.data = original
        yield parameter, gradient
